#include "common/member/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/format/yaml.h"
#include "topology/file.h"
#include "topology/keyfile.h"
#include "topology/value.h"

#define STATE_BYTES_MAX (256 * 1024)
#define HASH_CHARS      (2 * HASH_BYTES + 1)

/* "state_dir/name"; false and why when it is too long. */
static bool
path_in(char path[PATH_MAX], const char *state_dir, const char *name,
    struct buf *why)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", state_dir, name);

	if (n > 0 && n < PATH_MAX)
		return true;
	buf_printf(why, "%s: the path is too long\n", state_dir);
	return false;
}

static bool
make_directory(const char *state_dir, struct buf *why)
{
	struct stat st;

	if (mkdir(state_dir, 0700) == 0)
		return true;
	if (errno == EEXIST && stat(state_dir, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	buf_printf(why, "%s cannot be made: %s\n", state_dir, strerror(errno));
	return false;
}

static bool
write_file(const char *path, struct buf *text, struct buf *why)
{
	bool fine = !text->failed && file_write(path, 0600, buf_slice(text));

	if (!fine)
		buf_printf(why, "%s cannot be written: %s\n", path,
		    strerror(errno));
	return fine;
}

/* What would make a stanza or member.yaml mean something else. */
static bool
check_enrolment(const struct enrolment *e, struct buf *why)
{
	struct slice address;
	bool node = e->role == ROLE_NODE;

	if (!is_name(slice_of(e->mesh)))
		buf_printf(why, "'%s' is no name of a mesh\n", e->mesh);
	else if (!is_name(slice_of(e->name)))
		buf_printf(why, "'%s' is no name of a member\n", e->name);
	else if (node && !is_name(slice_of(e->team)))
		buf_printf(why, "a node needs a team: --team NAME\n");
	else if (node && !is_name(slice_of(e->parent)))
		buf_printf(why, "a node needs a parent: --parent NAME\n");
	else if (!node && !value_spec(VALUE_ADDRESS)
			       ->read(NULL, slice_of(e->address), &address))
		buf_printf(why,
		    "an egress needs the address that nodes dial: --address "
		    "HOST:PORT\n");
	else
		return true;
	return false;
}

static bool
write_member(const char *state_dir, const struct enrolment *e, struct buf *why)
{
	char path[PATH_MAX], key[PUBLIC_KEY_CHARS];
	struct buf text;
	bool fine;

	if (!path_in(path, state_dir, "member.yaml", why))
		return false;
	buf_init(&text, STATE_BYTES_MAX);
	public_key_write(&e->operator_key, key);
	buf_printf(&text,
	    "# Who this member is; written by enroll.\n"
	    "mesh: \"%s\"\nname: \"%s\"\nrole: %s\noperator_key: \"%s\"\n",
	    e->mesh, e->name, e->role == ROLE_NODE ? "node" : "egress", key);
	fine = write_file(path, &text, why);
	buf_fini(&text);
	return fine;
}

/* The line for mesh.yaml, as people write it. */
static void
put_stanza(struct buf *out, const struct enrolment *e,
    const struct public_key *public)
{
	char key[PUBLIC_KEY_CHARS];

	public_key_write(public, key);
	if (e->role == ROLE_NODE)
		buf_printf(out,
		    "%s: {role: node, team: %s, parents: [%s], keys: "
		    "[\"%s\"]}\n",
		    e->name, e->team, e->parent, key);
	else
		buf_printf(out,
		    "%s: {role: egress, address: \"%s\", keys: [\"%s\"]}\n",
		    e->name, e->address, key);
}

static void
put_hashes(struct buf *out, const struct hash *hashes, size_t count)
{
	char text[HASH_CHARS];
	size_t i;

	buf_putc(out, '[');
	for (i = 0; i < count; i++) {
		hex_write(text, hashes[i].bytes, sizeof(hashes[i].bytes));
		buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", text);
	}
	buf_puts(out, "]\n");
}

static bool
write_seen(const char *state_dir, const struct identity *id, struct buf *why)
{
	char path[PATH_MAX], key[PUBLIC_KEY_CHARS];
	struct buf text;
	bool fine;
	size_t i;

	if (!path_in(path, state_dir, "seen.yaml", why))
		return false;
	buf_init(&text, STATE_BYTES_MAX);
	buf_printf(&text,
	    "# The newest locks this member has taken; older ones are "
	    "refused.\nmesh_version: %" PRId64 "\nmesh_hash: ",
	    id->mesh_version);
	put_hashes(&text, &id->mesh_hash, 1);
	buf_puts(&text, "mesh_rollback: ");
	put_hashes(&text, id->mesh_rollback, id->mesh_rollback_count);
	buf_printf(&text,
	    "node_version: %" PRId64 "\nnode_hash: ", id->node_version);
	put_hashes(&text, &id->node_hash, 1);
	buf_puts(&text, "node_rollback: ");
	put_hashes(&text, id->node_rollback, id->node_rollback_count);
	buf_puts(&text, "revoked: [");
	for (i = 0; i < id->revoked_count; i++) {
		public_key_write(&id->revoked[i], key);
		buf_printf(&text, "%s\"%s\"", i > 0 ? ", " : "", key);
	}
	buf_puts(&text, "]\n");
	fine = write_file(path, &text, why);
	buf_fini(&text);
	return fine;
}

bool
identity_enroll(const char *state_dir, const struct enrolment *e,
    struct buf *stanza, struct buf *why)
{
	char path[PATH_MAX];
	struct public_key public;
	struct stat st;

	if (!check_enrolment(e, why) || !make_directory(state_dir, why) ||
	    !path_in(path, state_dir, "identity.key", why))
		return false;
	if (lstat(path, &st) == 0) {
		buf_printf(why,
		    "%s is enrolled already: take another directory, or move "
		    "this one away to begin as somebody new\n",
		    state_dir);
		return false;
	}
	/* The key last: a directory without it is not enrolled. */
	if (!write_member(state_dir, e, why) ||
	    !write_seen(state_dir, &(struct identity){ 0 }, why) ||
	    !path_in(path, state_dir, "identity.key", why) ||
	    !keyfile_make(path, &public, why))
		return false;
	put_stanza(stanza, e, &public);
	return true;
}

/* The tree of a small file of ours, or NULL and why. */
static const struct yaml_node *
open_yaml(struct arena *arena, const char *state_dir, const char *name,
    struct buf *why)
{
	const struct yaml_node *root;
	struct yaml_error error;
	struct slice text;
	char path[PATH_MAX];

	if (!path_in(path, state_dir, name, why))
		return NULL;
	switch (file_read(arena, path, STATE_BYTES_MAX, &text)) {
	case FILE_FINE:
		break;
	case FILE_MISSING:
		buf_printf(why,
		    "%s is not there: enroll this member first, or restore "
		    "its state directory\n",
		    path);
		return NULL;
	default:
		buf_printf(why, "%s cannot be read: %s\n", path,
		    strerror(errno));
		return NULL;
	}
	root = yaml_parse(arena, text, &error);
	if (root == NULL)
		buf_printf(why, "%s:%d:%d: %s\n", path, error.place.line,
		    error.place.col, error.text);
	return root;
}

static bool
copy_name(char name[NAME_CHARS_MAX + 1], struct slice text)
{
	if (!is_name(text))
		return false;
	memcpy(name, text.ptr, text.len);
	name[text.len] = '\0';
	return true;
}

static bool
read_member(struct identity *id, const struct yaml_node *root)
{
	return copy_name(id->mesh, yaml_text(root, "mesh")) &&
	       copy_name(id->name, yaml_text(root, "name")) &&
	       value_spec(VALUE_ROLE)
		   ->read(&id->arena, yaml_text(root, "role"), &id->role) &&
	       public_key_parse(&id->operator_key,
		   yaml_text(root, "operator_key"));
}

/* A list's items, or NULL when there is no such list. */
static const struct yaml_node *
list_at(const struct yaml_node *root, const char *key)
{
	const struct yaml_item *item = yaml_find(root, slice_of(key));

	if (item == NULL || item->value->type != YAML_SEQUENCE)
		return NULL;
	return item->value;
}

static bool
read_hashes(struct identity *id, const struct yaml_node *list,
    struct hash **hashes, size_t *count)
{
	const struct yaml_item *item;

	if (list == NULL)
		return false;
	*hashes = arena_many(&id->arena, struct hash, list->count);
	for (item = list->first; item != NULL; item = item->next)
		if (!hex_parse((*hashes)[(*count)++].bytes, HASH_BYTES,
			item->value->text))
			return false;
	return true;
}

static bool
read_one_hash(struct identity *id, const struct yaml_node *root,
    const char *key, struct hash *hash)
{
	struct hash *hashes;
	size_t count = 0;

	if (!read_hashes(id, list_at(root, key), &hashes, &count) || count != 1)
		return false;
	*hash = hashes[0];
	return true;
}

static bool
read_revoked(struct identity *id, const struct yaml_node *list)
{
	const struct yaml_item *item;

	if (list == NULL)
		return false;
	id->revoked = arena_many(&id->arena, struct public_key, list->count);
	for (item = list->first; item != NULL; item = item->next)
		if (!public_key_parse(&id->revoked[id->revoked_count++],
			item->value->text))
			return false;
	return true;
}

static bool
read_seen(struct identity *id, const struct yaml_node *root)
{
	const struct value_spec *number = value_spec(VALUE_INT);

	return number->read(&id->arena, yaml_text(root, "mesh_version"),
		   &id->mesh_version) &&
	       number->read(&id->arena, yaml_text(root, "node_version"),
		   &id->node_version) &&
	       read_one_hash(id, root, "mesh_hash", &id->mesh_hash) &&
	       read_one_hash(id, root, "node_hash", &id->node_hash) &&
	       read_hashes(id, list_at(root, "mesh_rollback"),
		   &id->mesh_rollback, &id->mesh_rollback_count) &&
	       read_hashes(id, list_at(root, "node_rollback"),
		   &id->node_rollback, &id->node_rollback_count) &&
	       read_revoked(id, list_at(root, "revoked"));
}

static bool
open_files(struct identity *id, const char *state_dir, struct buf *why)
{
	const struct yaml_node *root;
	char path[PATH_MAX];

	if (!path_in(path, state_dir, "identity.key", why))
		return false;
	root = open_yaml(&id->arena, state_dir, "member.yaml", why);
	if (root == NULL)
		return false;
	if (!read_member(id, root)) {
		buf_printf(why,
		    "%s/member.yaml is not as enroll wrote it: restore it\n",
		    state_dir);
		return false;
	}
	root = open_yaml(&id->arena, state_dir, "seen.yaml", why);
	if (root == NULL)
		return false;
	if (!read_seen(id, root)) {
		buf_printf(why,
		    "%s/seen.yaml is not as it was written: restore it\n",
		    state_dir);
		return false;
	}
	id->key = keyfile_read(path, why);
	if (id->key == NULL)
		return false;
	id->public = sign_public(id->key);
	return true;
}

bool
identity_open(struct identity *id, const char *state_dir, struct buf *why)
{
	int n;

	*id = (struct identity){ 0 };
	arena_init(&id->arena, YAML_ARENA_BYTES + 8 * STATE_BYTES_MAX);
	n = snprintf(id->state_dir, sizeof(id->state_dir), "%s", state_dir);
	if (n < 0 || n >= (int)sizeof(id->state_dir)) {
		buf_printf(why, "%s: the path is too long\n", state_dir);
		return false;
	}
	if (open_files(id, state_dir, why))
		return true;
	identity_close(id);
	return false;
}

void
identity_close(struct identity *id)
{
	secret_free(id->key);
	arena_fini(&id->arena);
	*id = (struct identity){ 0 };
}

void
identity_pin(const struct identity *id, struct topology_pin *pin)
{
	*pin = (struct topology_pin){
		.mesh = id->mesh,
		.name = id->name,
		.operator_key = id->operator_key,
		.identity = id->public,
		.mesh_version = id->mesh_version,
		.node_version = id->node_version,
		.mesh_hash = id->mesh_hash,
		.node_hash = id->node_hash,
		.mesh_rollback = id->mesh_rollback,
		.node_rollback = id->node_rollback,
		.mesh_rollback_count = id->mesh_rollback_count,
		.node_rollback_count = id->node_rollback_count,
		.revoked = id->revoked,
		.revoked_count = id->revoked_count,
	};
}

static struct hash *
copy_hashes(struct arena *arena, const struct hash *hashes, size_t count)
{
	struct hash *copy = arena_many(arena, struct hash, count);

	if (count > 0)
		memcpy(copy, hashes, count * sizeof(*copy));
	return copy;
}

/* `next` becomes what `id` is after taking `t`; versions never go down. */
static void
raise_to(struct identity *next, const struct topology *t)
{
	if (t->mesh_version >= next->mesh_version) {
		next->mesh_version = t->mesh_version;
		next->mesh_hash = t->mesh_hash;
		next->mesh_rollback = (struct hash *)t->mesh_rollback;
		next->mesh_rollback_count = t->mesh_rollback_count;
	}
	if (t->node_version >= next->node_version) {
		next->node_version = t->node_version;
		next->node_hash = t->node_hash;
		next->node_rollback = (struct hash *)t->node_rollback;
		next->node_rollback_count = t->node_rollback_count;
	}
	next->revoked = (struct public_key *)t->revoked;
	next->revoked_count = t->revoked_count;
	/* From here on the arrays are the identity's own. */
	arena_init(&next->arena, next->arena.max);
	next->mesh_rollback = copy_hashes(&next->arena, next->mesh_rollback,
	    next->mesh_rollback_count);
	next->node_rollback = copy_hashes(&next->arena, next->node_rollback,
	    next->node_rollback_count);
	next->revoked =
	    arena_many(&next->arena, struct public_key, t->revoked_count);
	if (t->revoked_count > 0)
		memcpy(next->revoked, t->revoked,
		    t->revoked_count * sizeof(*next->revoked));
}

/* And nothing else: workers read name and key meanwhile. */
static void
take_seen(struct identity *id, const struct identity *next)
{
	id->mesh_version = next->mesh_version;
	id->node_version = next->node_version;
	id->mesh_hash = next->mesh_hash;
	id->node_hash = next->node_hash;
	id->mesh_rollback = next->mesh_rollback;
	id->node_rollback = next->node_rollback;
	id->mesh_rollback_count = next->mesh_rollback_count;
	id->node_rollback_count = next->node_rollback_count;
	id->revoked = next->revoked;
	id->revoked_count = next->revoked_count;
	id->arena = next->arena;
}

bool
identity_saw(struct identity *id, const struct topology *t, struct buf *why)
{
	struct identity *next;
	bool fine;

	if (t->mesh_version <= id->mesh_version &&
	    t->node_version <= id->node_version &&
	    t->revoked_count == id->revoked_count && id->mesh_version > 0)
		return true;
	next = xmalloc(sizeof(*next));
	*next = *id;
	raise_to(next, t);
	fine = write_seen(id->state_dir, next, why);
	if (fine) {
		arena_fini(&id->arena);
		take_seen(id, next);
	} else {
		arena_fini(&next->arena);
	}
	free(next);
	return fine;
}
