#include "topology/check.h"

#include "common/base/arena.h"
#include "common/base/command.h"
#include "common/base/map.h"
#include "topology/alias.h"
#include "topology/lock.h"
#include "topology/value.h"

#define WORDS_MAX 256

/* "; did you mean 'x'?" or nothing. */
static const char *
hint(struct folder *f, struct slice wrong, const char *const *words,
    size_t count)
{
	const char *near = nearest_word(wrong, words, count);

	if (near == NULL)
		return "";
	return arena_printf(f->arena, "; did you mean '%s'?", near);
}

static const char *
member_hint(struct folder *f, struct slice wrong)
{
	const struct mesh *mesh = folder_mesh(f);
	const char *words[WORDS_MAX];
	size_t i, count = 0;

	for (i = 0; i < mesh->members_count && count < WORDS_MAX; i++)
		words[count++] = mesh->members[i].name.ptr;
	return hint(f, wrong, words, count);
}

static const char *
team_hint(struct folder *f, struct slice wrong)
{
	const struct mesh *mesh = folder_mesh(f);
	const char *words[WORDS_MAX];
	size_t i, count = 0;

	for (i = 0; i < mesh->teams_count && count < WORDS_MAX; i++)
		words[count++] = mesh->teams[i].name.ptr;
	return hint(f, wrong, words, count);
}

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

/* Does the chain of parents that starts at `m` come back to it? */
static bool
in_loop(const struct mesh *mesh, const struct member *m)
{
	const struct member *at = m;
	size_t steps;

	for (steps = 0; at != NULL && steps <= mesh->members_count; steps++) {
		if (at->parents_count == 0)
			return false;
		at = mesh_member(mesh, at->parents[0]);
		if (at == m)
			return true;
	}
	return false;
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
		    member_hint(f, name));
	else if (in_loop(folder_mesh(f), m))
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
		    team_hint(f, m->team));
	if (m->address.len > 0)
		mistake_add(f->mistakes, source, member_place(f, m, "address"),
		    "'address' of a node is known, but this version does not "
		    "act on it yet; remove it");
	if (m->parents_count == 0)
		mistake_add(f->mistakes, source, member_place(f, m, "parents"),
		    "a node needs 'parents': the egress that it dials");
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

/* Does the grant cover any model of this egress? */
static bool
egress_matches(const struct egress_file *e, struct slice grant)
{
	const struct team team = { .models = &grant, .models_count = 1 };
	size_t i, k;

	for (i = 0; i < e->providers_count; i++)
		for (k = 0; k < e->providers[i].models_count; k++)
			if (team_may_use(&team,
				e->providers[i].models[k].target))
				return true;
	return false;
}

static bool
grant_matches(const struct folder *f, struct slice grant)
{
	size_t i;

	for (i = 0; i < f->egresses_count; i++)
		if (egress_matches(f->egresses[i].record, grant))
			return true;
	return false;
}

/* Names of all models of these providers, for suggestions. */
static size_t
model_words(const struct provider *providers, size_t providers_count,
    const char **words, size_t count)
{
	size_t i, k;

	for (i = 0; i < providers_count; i++)
		for (k = 0; k < providers[i].models_count; k++)
			if (count < WORDS_MAX)
				words[count++] =
				    providers[i].models[k].target.ptr;
	return count;
}

static void
check_team(struct folder *f, const struct team *team)
{
	const char *words[WORDS_MAX];
	size_t i, k, count = 0;

	for (i = 0; i < f->egresses_count; i++) {
		const struct egress_file *e = f->egresses[i].record;

		count =
		    model_words(e->providers, e->providers_count, words, count);
	}
	for (k = 0; k < team->models_count; k++)
		if (!grant_matches(f, team->models[k]))
			mistake_add(f->mistakes, &f->mesh.source,
			    folder_place(&f->mesh,
				PATH(slice_of("teams"), team->name,
				    slice_of("models"), team->models[k])),
			    "the grant '%s' matches no model of any "
			    "egress%s",
			    team->models[k].ptr,
			    hint(f, team->models[k], words, count));
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
		check_team(f, &mesh->teams[i]);
	for (i = 0; i < f->egresses_count; i++) {
		const struct egress_file *e = f->egresses[i].record;

		check_bodies(f, &f->egresses[i], e->max_body_bytes,
		    e->body_memory_bytes);
	}
}

/* What a node's targets are looked up in. */
struct reach {
	const struct node_file *own;
	const struct egress_file *parent; /* NULL when there is none */
	const char *parent_name;
	const struct team *team; /* NULL when there is none */
};

static struct reach
reach_of(struct folder *f, struct folder_file *file)
{
	const struct member *m = mesh_member(folder_mesh(f), file->stem);
	struct reach reach = { .own = file->record };
	struct folder_file *egress;

	if (m == NULL)
		return reach;
	reach.team = mesh_team(folder_mesh(f), m->team);
	if (m->parents_count > 0) {
		reach.parent_name = m->parents[0].ptr;
		egress = folder_egress(f, m->parents[0]);
		if (egress != NULL && egress->root != NULL)
			reach.parent = egress->record;
	}
	return reach;
}

static void
unknown_target(struct folder *f, struct folder_file *file,
    const struct reach *reach, struct yaml_place place, struct slice target)
{
	const char *words[WORDS_MAX];
	size_t count;

	count = model_words(reach->own->providers, reach->own->providers_count,
	    words, 0);
	count = model_words(reach->parent->providers,
	    reach->parent->providers_count, words, count);
	mistake_add(f->mistakes, &file->source, place,
	    "neither this file nor egress/%s.yaml has a model '%s'%s",
	    reach->parent_name, target.ptr, hint(f, target, words, count));
}

static void
check_target(struct folder *f, struct folder_file *file,
    const struct reach *reach, const struct group *group, struct slice target)
{
	struct yaml_place place = folder_place(file,
	    PATH(slice_of("groups"), group->name, slice_of("targets"), target));

	if (find_model(reach->own->providers, reach->own->providers_count,
		target) != NULL ||
	    reach->parent == NULL)
		return;
	if (find_model(reach->parent->providers, reach->parent->providers_count,
		target) == NULL) {
		unknown_target(f, file, reach, place, target);
		return;
	}
	if (reach->team != NULL && !team_may_use(reach->team, target))
		mistake_add(f->mistakes, &file->source, place,
		    "team '%s' may not use '%s': the operator has to list it "
		    "in mesh.yaml under teams.%s.models",
		    reach->team->name.ptr, target.ptr, reach->team->name.ptr);
}

void
check_node(struct folder *f, struct folder_file *file)
{
	const struct node_file *node = file->record;
	struct reach reach;
	size_t i, k;

	if (file->root == NULL)
		return;
	reach = reach_of(f, file);
	for (i = 0; i < node->groups_count; i++)
		for (k = 0; k < node->groups[i].targets_count; k++)
			check_target(f, file, &reach, &node->groups[i],
			    node->groups[i].targets[k].model);
	check_bodies(f, file, node->max_body_bytes, node->body_memory_bytes);
	alias_check(f, file);
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
		    member_hint(f, file->stem));
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
