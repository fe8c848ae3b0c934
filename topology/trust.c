#include "topology/trust.h"

#include "common/base/arena.h"

struct folder_file *
folder_node_lock(const struct folder *f, const struct folder_file *node)
{
	return &f->node_locks[node - f->nodes];
}

static bool
fail(struct folder *f, const struct folder_file *file, const char *why)
{
	mistake_of_file(f->mistakes, &file->source, "%s", why);
	return false;
}

/* A hash with its first digits, enough to compare by eye. */
static const char *
short_hash(struct folder *f, const struct hash *hash)
{
	char text[HASH_CHARS];

	hex_write(text, hash->bytes, sizeof(hash->bytes));
	return arena_printf(f->arena, "%.12s…", text);
}

/* Signed by this key, and well formed. */
static bool
open_lock(struct folder *f, struct folder_file *file, struct lock *lock,
    enum lock_kind kind, const struct public_key *key)
{
	char text[PUBLIC_KEY_CHARS];
	int line;

	public_key_write(key, text);
	if (!lock_signed_by(kind, file->source.text, key)) {
		mistake_of_file(f->mistakes, &file->source,
		    "has no good signature by %s, the key of %s: it was "
		    "changed, cut short, or signed by another key; take it "
		    "from git again or have it signed by the right key",
		    text, kind == LOCK_MESH ? "the operator" : "the team");
		return false;
	}
	if (lock_parse(lock, f->arena, kind, file->source.text, &line))
		return true;
	mistake_add(f->mistakes, &file->source, (struct yaml_place){ line, 1 },
	    "is signed, but this version cannot read it; use the gsr-topology "
	    "of this version to sign");
	return false;
}

/* What was read of a file is what the lock names. */
static bool
check_file(struct folder *f, const struct folder_file *file,
    const struct folder_file *lock_file, const struct lock *lock)
{
	const struct lock_file *entry;
	struct hash hash;

	entry = lock_find_file(lock, slice_of(file->source.name));
	if (entry == NULL) {
		mistake_of_file(f->mistakes, &file->source,
		    "is not in %s: remove it, or have the folder signed",
		    lock_file->source.name);
		return false;
	}
	hash = hash_of(file->source.text.ptr, file->source.text.len);
	if (crypto_equal(&hash, &entry->hash, sizeof(hash)))
		return true;
	mistake_of_file(f->mistakes, &file->source,
	    "was changed: %s signs %s and this is %s; take both from git "
	    "again, or have the change signed",
	    lock_file->source.name, short_hash(f, &entry->hash),
	    short_hash(f, &hash));
	return false;
}

static bool
is_read(const struct folder *f, struct slice name)
{
	size_t i;

	if (slice_is(name, f->mesh.source.name))
		return f->mesh.found;
	for (i = 0; i < f->egresses_count; i++)
		if (slice_is(name, f->egresses[i].source.name))
			return f->egresses[i].found;
	return false;
}

/* Everything the lock names is there. */
static bool
nothing_missing(struct folder *f, const struct lock *lock)
{
	bool fine = true;
	size_t i;

	for (i = 0; i < lock->files_count; i++) {
		if (is_read(f, lock->files[i].name))
			continue;
		mistake_of_file(f->mistakes, &f->mesh_lock.source,
		    "names %s, which is not there: take it from git again, or "
		    "have the folder signed without it",
		    lock->files[i].name.ptr);
		fine = false;
	}
	return fine;
}

bool
trust_mesh(struct folder *f, const struct public_key *operator_key,
    struct lock *lock)
{
	bool fine = true;
	size_t i;

	if (!f->mesh_lock.found)
		return fail(f, &f->mesh_lock,
		    "is not there: the operator signs a folder with "
		    "gsr-topology sign DIR --key FILE");
	if (!open_lock(f, &f->mesh_lock, lock, LOCK_MESH, operator_key))
		return false;
	if (f->mesh.found)
		fine = check_file(f, &f->mesh, &f->mesh_lock, lock);
	for (i = 0; i < f->egresses_count; i++)
		fine &= check_file(f, &f->egresses[i], &f->mesh_lock, lock);
	return nothing_missing(f, lock) && fine;
}

static const struct lock_team *
locked_team(const struct lock *lock, struct slice name)
{
	size_t i;

	for (i = 0; i < lock->teams_count; i++)
		if (slice_eq(lock->teams[i].name, name))
			return &lock->teams[i];
	return NULL;
}

void
trust_content(struct folder *f, const struct lock *lock)
{
	const struct mesh *mesh = folder_mesh(f);
	const struct lock_team *team;
	size_t i;

	if (f->mesh.root == NULL)
		return;
	if (!slice_eq(mesh->name, lock->mesh))
		mistake_of_file(f->mistakes, &f->mesh_lock.source,
		    "is of mesh '%s', and mesh.yaml of '%s': have the folder "
		    "signed again",
		    lock->mesh.ptr, mesh->name.ptr);
	if (mesh->teams_count != lock->teams_count)
		mistake_of_file(f->mistakes, &f->mesh_lock.source,
		    "names %zu teams and mesh.yaml %zu: have the folder signed "
		    "again",
		    lock->teams_count, mesh->teams_count);
	for (i = 0; i < mesh->teams_count; i++) {
		team = locked_team(lock, mesh->teams[i].name);
		if (team == NULL ||
		    !crypto_equal(&team->key, &mesh->teams[i].signing_key,
			sizeof(team->key)))
			mistake_of_file(f->mistakes, &f->mesh_lock.source,
			    "has another key for team '%s' than mesh.yaml: "
			    "have the folder signed again",
			    mesh->teams[i].name.ptr);
	}
}

static bool
belongs(struct folder *f, struct folder_file *file, struct folder_file *at,
    const struct lock *lock)
{
	const struct mesh *mesh = folder_mesh(f);

	if (!slice_eq(lock->mesh, mesh->name)) {
		mistake_of_file(f->mistakes, &at->source,
		    "is of mesh '%s', and this is '%s': locks do not move "
		    "between meshes; sign this folder's node",
		    lock->mesh.ptr, mesh->name.ptr);
		return false;
	}
	if (!slice_eq(lock->member, file->stem)) {
		mistake_of_file(f->mistakes, &at->source,
		    "is of member '%s', and this is '%s': locks do not move "
		    "between members; sign with --node %s",
		    lock->member.ptr, file->stem.ptr, file->stem.ptr);
		return false;
	}
	return check_file(f, file, at, lock);
}

bool
trust_node(struct folder *f, struct folder_file *file, struct lock *lock)
{
	const struct mesh *mesh = folder_mesh(f);
	const struct member *m = mesh_member(mesh, file->stem);
	const struct team *team = m != NULL ? mesh_team(mesh, m->team) : NULL;
	struct folder_file *at = folder_node_lock(f, file);

	if (!file->found)
		return fail(f, file, "is not there: a node needs its file");
	if (team == NULL)
		return fail(f, file,
		    "has no member with a team in mesh.yaml: nobody can sign "
		    "it");
	if (!at->found) {
		mistake_of_file(f->mistakes, &at->source,
		    "is not there: the team signs its node with gsr-topology "
		    "sign DIR --node %s --key FILE",
		    file->stem.ptr);
		return false;
	}
	return open_lock(f, at, lock, LOCK_NODE, &team->signing_key) &&
	       belongs(f, file, at, lock);
}
