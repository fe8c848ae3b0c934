#include "topology/check.h"

#include "common/base/arena.h"
#include "common/base/map.h"
#include "topology/alias.h"
#include "topology/grant.h"
#include "topology/hint.h"
#include "topology/limit.h"
#include "topology/lock.h"
#include "topology/promise.h"
#include "topology/value.h"

static struct yaml_place
member_place(struct folder *f, const struct member *m, const char *key)
{
	return folder_place(&f->mesh,
	    PATH(slice_of("members"), m->name, slice_of(key)));
}

/* A role that could not be read is a mistake already, and no reason for more.
 */
static bool
has_role(struct folder *f, const struct member *m)
{
	const struct yaml_item *item;
	enum member_role role;

	item = yaml_find(f->mesh.root, slice_of("members"));
	if (item != NULL)
		item = yaml_find(item->value, m->name);
	return item != NULL &&
	       value_spec(VALUE_ROLE)
		   ->read(f->arena, yaml_text(item->value, "role"), &role);
}

/* Mark the parents of the i-th that are not marked; one more turn is due? */
static bool
mark_parents(const struct mesh *mesh, size_t i, bool *above)
{
	const struct member *m = &mesh->members[i], *parent;
	bool fresh = false;
	size_t k;

	for (k = 0; k < m->parents_count; k++) {
		parent = mesh_member(mesh, m->parents[k]);
		if (parent == NULL || above[parent - mesh->members])
			continue;
		above[parent - mesh->members] = true;
		fresh = true;
	}
	return fresh;
}

/* Is it above itself by this parent, over whatever other parents? */
static bool
in_loop(struct folder *f, const struct member *m, const struct member *parent)
{
	const struct mesh *mesh = folder_mesh(f);
	bool *above = arena_many(f->arena, bool, mesh->members_count);
	bool fresh = true;
	size_t i;

	above[parent - mesh->members] = true;
	while (fresh)
		for (fresh = false, i = 0; i < mesh->members_count; i++)
			if (above[i])
				fresh |= mark_parents(mesh, i, above);
	return above[m - mesh->members];
}

static void
check_parent(struct folder *f, const struct member *m, struct slice name)
{
	const struct member *parent = mesh_member(folder_mesh(f), name);
	struct yaml_place place = folder_place(&f->mesh,
	    PATH(slice_of("members"), m->name, slice_of("parents"), name));

	if (parent == NULL)
		mistake_add(f->mistakes, &f->mesh.source, place,
		    "there is no member '%s'%s", name.ptr,
		    hint_member(f, name));
	else if (in_loop(f, m, parent))
		mistake_add(f->mistakes, &f->mesh.source, place,
		    "a loop of parents: '%s' is above itself; parents lead to "
		    "an egress",
		    m->name.ptr);
	else if (parent->role != ROLE_EGRESS)
		mistake_add(f->mistakes, &f->mesh.source, place,
		    "'%s' is a node; nodes that relay (hubs) are known, but "
		    "this version does not act on them yet; name an egress",
		    name.ptr);
}

static void
check_node_member(struct folder *f, const struct member *m)
{
	const struct source *source = &f->mesh.source;
	size_t i;

	if (m->team.len == 0)
		mistake_add(f->mistakes, source, member_place(f, m, "team"),
		    "a node needs 'team': the team that it belongs to");
	else if (mesh_team(folder_mesh(f), m->team) == NULL)
		mistake_add(f->mistakes, source, member_place(f, m, "team"),
		    "there is no team '%s'%s", m->team.ptr,
		    hint_team(f, m->team));
	if (m->address.len > 0)
		mistake_add(f->mistakes, source, member_place(f, m, "address"),
		    "'address' of a node is known, but this version does not "
		    "act on it yet; remove it");
	if (m->parents_count == 0)
		mistake_add(f->mistakes, source, member_place(f, m, "parents"),
		    "a node needs 'parents': the egresses that it dials");
	for (i = 0; i < m->parents_count; i++)
		check_parent(f, m, m->parents[i]);
}

static void
check_egress_member(struct folder *f, const struct member *m)
{
	const struct source *source = &f->mesh.source;
	const struct mesh *mesh = folder_mesh(f);
	size_t i;

	if (m->team.len > 0)
		mistake_add(f->mistakes, source, member_place(f, m, "team"),
		    "an egress belongs to no team; remove 'team'");
	if (m->parents_count > 0)
		mistake_add(f->mistakes, source, member_place(f, m, "parents"),
		    "an egress has no parents; remove 'parents'");
	if (m->address.len == 0)
		mistake_add(f->mistakes, source, member_place(f, m, "address"),
		    "an egress needs 'address': where nodes dial it");
	for (i = 0; &mesh->members[i] != m; i++)
		if (m->address.len > 0 &&
		    slice_eq(mesh->members[i].address, m->address))
			mistake_add(f->mistakes, source,
			    member_place(f, m, "address"),
			    "is the address of '%s' too",
			    mesh->members[i].name.ptr);
}

static void
check_member(struct folder *f, const struct member *m)
{
	if (!has_role(f, m))
		return;
	if (m->role == ROLE_NODE)
		check_node_member(f, m);
	else
		check_egress_member(f, m);
}

/* A key that mesh.yaml lists, and where. */
struct listed_key {
	const struct public_key *key;
	const char *owner;
	struct yaml_place place;
};

static struct listed_key
member_key(struct folder *f, const struct member *m, size_t i)
{
	char text[PUBLIC_KEY_CHARS];

	public_key_write(&m->keys[i], text);
	return (struct listed_key){ &m->keys[i], m->name.ptr,
		folder_place(&f->mesh, PATH(slice_of("members"), m->name,
					   slice_of("keys"), slice_of(text))) };
}

static bool
is_empty_key(const struct public_key *key)
{
	static const struct public_key empty;

	return crypto_equal(key, &empty, sizeof(empty));
}

/* All keys that could be read, of members and teams. */
static size_t
list_keys(struct folder *f, struct listed_key **keys)
{
	const struct mesh *mesh = folder_mesh(f);
	size_t i, k, count = 0;

	*keys = arena_many(f->arena, struct listed_key,
	    mesh->members_count * MEMBER_KEYS_MAX + mesh->teams_count);
	for (i = 0; i < mesh->members_count; i++)
		for (k = 0; k < mesh->members[i].keys_count; k++)
			(*keys)[count++] = member_key(f, &mesh->members[i], k);
	for (i = 0; i < mesh->teams_count; i++)
		if (!is_empty_key(&mesh->teams[i].signing_key))
			(*keys)[count++] = (struct listed_key){
				&mesh->teams[i].signing_key,
				mesh->teams[i].name.ptr,
				folder_place(&f->mesh,
				    PATH(slice_of("teams"), mesh->teams[i].name,
					slice_of("signing_key")))
			};
	return count;
}

static void
check_unique_keys(struct folder *f)
{
	const struct listed_key *first;
	struct listed_key *keys;
	size_t count = list_keys(f, &keys), i;
	struct map seen;

	map_init(&seen);
	for (i = 0; i < count; i++) {
		first = map_put(&seen,
		    slice_make(keys[i].key, sizeof(*keys[i].key)), &keys[i]);
		if (first != NULL)
			mistake_add(f->mistakes, &f->mesh.source, keys[i].place,
			    "is the key of '%s' too; each has its own",
			    first->owner);
	}
	map_fini(&seen);
}

void
check_revoked(struct folder *f, const struct public_key *revoked, size_t count)
{
	struct listed_key *keys;
	size_t listed = list_keys(f, &keys), i, k;

	for (i = 0; i < listed; i++)
		for (k = 0; k < count; k++)
			if (crypto_equal(keys[i].key, &revoked[k],
				sizeof(revoked[k])))
				mistake_add(f->mistakes, &f->mesh.source,
				    keys[i].place,
				    "this key of '%s' is revoked for ever; "
				    "enroll anew and list the new key",
				    keys[i].owner);
}

static void
check_bodies(struct folder *f, struct folder_file *file, int64_t one,
    int64_t all)
{
	if (one > all)
		mistake_add(f->mistakes, &file->source,
		    folder_place(file, PATH(slice_of("max_body"))),
		    "'max_body' is more than 'body_memory', which holds all "
		    "bodies at once");
}

void
check_mesh(struct folder *f)
{
	const struct mesh *mesh = folder_mesh(f);
	size_t i;

	for (i = 0; i < mesh->members_count; i++)
		check_member(f, &mesh->members[i]);
	check_unique_keys(f);
	for (i = 0; i < mesh->teams_count; i++)
		grant_check(f, &mesh->teams[i]);
	for (i = 0; i < mesh->teams_count; i++)
		limit_check_team(f, &mesh->teams[i]);
	for (i = 0; i < f->egresses_count; i++) {
		const struct egress_file *e = f->egresses[i].record;

		check_bodies(f, &f->egresses[i], e->max_body_bytes,
		    e->body_memory_bytes);
		limit_check_egress(f, &f->egresses[i]);
	}
}

void
check_node(struct folder *f, struct folder_file *file)
{
	const struct node_file *node = file->record;
	struct reach reach;
	size_t i;

	if (file->root == NULL)
		return;
	reach = reach_of(f, file);
	for (i = 0; i < node->groups_count; i++)
		promise_check(&reach, &node->groups[i]);
	check_bodies(f, file, node->max_body_bytes, node->body_memory_bytes);
	alias_check(f, file);
	limit_check_node(&reach);
}

static void
check_has_member(struct folder *f, const struct folder_file *file,
    enum member_role role)
{
	const struct member *m = mesh_member(folder_mesh(f), file->stem);
	const char *what = role == ROLE_NODE ? "node" : "egress";

	if (m == NULL)
		mistake_of_file(f->mistakes, &file->source,
		    "mesh.yaml has no member '%s'%s", file->stem.ptr,
		    hint_member(f, file->stem));
	else if (m->role != role)
		mistake_of_file(f->mistakes, &file->source,
		    "mesh.yaml says that '%s' is no %s", file->stem.ptr, what);
}

void
check_files(struct folder *f)
{
	const struct mesh *mesh = folder_mesh(f);
	const struct folder_file *file;
	size_t i;

	/* Without members every file would be wrong, for one reason. */
	if (f->mesh.root == NULL || mesh->members_count == 0)
		return;
	for (i = 0; i < mesh->members_count; i++) {
		const struct member *m = &mesh->members[i];
		bool node = m->role == ROLE_NODE;

		if (!has_role(f, m))
			continue;
		if (node && f->only_node != NULL &&
		    !slice_is(m->name, f->only_node))
			continue;
		file =
		    node ? folder_node(f, m->name) : folder_egress(f, m->name);
		if (file == NULL || !file->found)
			mistake_add(f->mistakes, &f->mesh.source,
			    folder_place(&f->mesh,
				PATH(slice_of("members"), m->name)),
			    "has no file: write %s/%s.yaml",
			    node ? "node" : "egress", m->name.ptr);
	}
	for (i = 0; i < f->egresses_count; i++)
		check_has_member(f, &f->egresses[i], ROLE_EGRESS);
	for (i = 0; i < f->nodes_count; i++)
		check_has_member(f, &f->nodes[i], ROLE_NODE);
}

/* A lock that is there says which keys may not come back. */
static void
check_locked_revocations(struct folder *f)
{
	struct lock lock;
	int line;

	if (f->mesh_lock.found && lock_parse(&lock, f->arena, LOCK_MESH,
				      f->mesh_lock.source.text, &line))
		check_revoked(f, lock.revoked, lock.revoked_count);
}

bool
check_folder(struct folder *f)
{
	size_t i;

	folder_parse_mesh(f);
	folder_parse_nodes(f);
	check_mesh(f);
	check_files(f);
	for (i = 0; i < f->nodes_count; i++)
		check_node(f, &f->nodes[i]);
	check_locked_revocations(f);
	return f->mistakes->count == 0;
}
