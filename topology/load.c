#include "topology/load.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "topology/check.h"
#include "topology/trust.h"

/* What the header shows, and how many hold it. */
struct shared_topology {
	struct topology topology;
	atomic_int owners;
};

/* One attempt to load; the arena is the topology's. */
struct loading {
	struct topology *t;
	const struct topology_pin *pin;
	struct folder folder;
	struct mistakes mistakes;
	struct lock mesh_lock, node_lock;
};

struct topology *
topology_hold(struct topology *t)
{
	struct shared_topology *s;

	if (t == NULL)
		return NULL;
	s = container_of(t, struct shared_topology, topology);
	atomic_fetch_add(&s->owners, 1);
	return t;
}

void
topology_release(struct topology *t)
{
	struct shared_topology *s;

	if (t == NULL)
		return;
	s = container_of(t, struct shared_topology, topology);
	if (atomic_fetch_sub(&s->owners, 1) > 1)
		return;
	arena_fini(&t->arena);
	free(s);
}

/* The versions of one kind of lock that a member has seen. */
struct high_water {
	int64_t version;
	const struct hash *hash;
	const struct hash *rollback;
	size_t rollback_count;
};

/* Whether a lock may be taken after what was seen; TUF's rollback attack. */
static void
check_version(struct loading *l, const struct folder_file *file,
    const struct lock *lock, const struct high_water *seen)
{
	static const struct hash unknown;
	char text[HASH_CHARS];
	size_t i;

	if (lock->version > seen->version)
		return;
	if (lock->version == seen->version) {
		if (!crypto_equal(seen->hash, &unknown, sizeof(unknown)) &&
		    !crypto_equal(seen->hash, &lock->hash, sizeof(unknown)))
			mistake_of_file(&l->mistakes, &file->source,
			    "is another lock of version %" PRId64
			    " than the one already taken: sign again, so that "
			    "it gets a version of its own",
			    lock->version);
		return;
	}
	for (i = 0; i < seen->rollback_count; i++)
		if (crypto_equal(&seen->rollback[i], &lock->hash,
			sizeof(unknown)))
			return;
	hex_write(text, lock->hash.bytes, sizeof(lock->hash.bytes));
	mistake_of_file(&l->mistakes, &file->source,
	    "is version %" PRId64 ", and version %" PRId64
	    " was taken already: an older lock is refused unless the newest "
	    "allows it (sign with --allow-rollback %s)",
	    lock->version, seen->version, text);
}

/* What any lock revoked stays revoked, also after a rollback. */
static void
keep_revoked(struct loading *l)
{
	const struct topology_pin *pin = l->pin;
	const struct lock *lock = &l->mesh_lock;
	struct public_key *all;
	size_t i, count = lock->revoked_count;

	all = arena_many(&l->t->arena, struct public_key,
	    count + pin->revoked_count);
	for (i = 0; i < count; i++)
		all[i] = lock->revoked[i];
	for (i = 0; i < pin->revoked_count; i++)
		if (!lock_revokes(lock, &pin->revoked[i]))
			all[count++] = pin->revoked[i];
	l->t->revoked = all;
	l->t->revoked_count = count;
	for (i = 0; i < count; i++)
		if (crypto_equal(&all[i], &pin->identity, sizeof(all[i])))
			mistake_of_file(&l->mistakes,
			    &l->folder.mesh_lock.source,
			    "revokes the key of this member ('%s'): it has to "
			    "be enrolled anew in a new state directory",
			    pin->name);
}

static void
load_mesh(struct loading *l)
{
	const struct topology_pin *pin = l->pin;
	struct folder *f = &l->folder;
	struct lock *lock = &l->mesh_lock;

	if (!trust_mesh(f, &pin->operator_key, lock))
		return;
	if (!slice_is(lock->mesh, pin->mesh)) {
		mistake_of_file(&l->mistakes, &f->mesh_lock.source,
		    "is of mesh '%s', and this member is enrolled in '%s': "
		    "give it the folder of its own mesh",
		    lock->mesh.ptr, pin->mesh);
		return;
	}
	check_version(l, &f->mesh_lock, lock,
	    &(struct high_water){ pin->mesh_version, &pin->mesh_hash,
		pin->mesh_rollback, pin->mesh_rollback_count });
	keep_revoked(l);
	folder_parse_mesh(f);
	trust_content(f, lock);
	check_mesh(f);
	check_revoked(f, l->t->revoked, l->t->revoked_count);
}

static void
load_node(struct loading *l, struct folder_file *file)
{
	const struct topology_pin *pin = l->pin;
	struct folder *f = &l->folder;

	if (!trust_node(f, file, &l->node_lock))
		return;
	check_version(l, folder_node_lock(f, file), &l->node_lock,
	    &(struct high_water){ pin->node_version, &pin->node_hash,
		pin->node_rollback, pin->node_rollback_count });
	folder_parse_nodes(f);
	check_node(f, file);
	l->t->node = file->record;
}

/* The member that this process is, and its own file. */
static void
load_self(struct loading *l)
{
	const struct topology_pin *pin = l->pin;
	struct slice name = slice_of(pin->name);
	struct folder *f = &l->folder;
	const struct member *self = mesh_member(folder_mesh(f), name);
	struct folder_file *egress;

	if (self == NULL) {
		mistake_of_file(&l->mistakes, &f->mesh.source,
		    "has no member '%s': put in the stanza that enroll "
		    "printed, and have the folder signed",
		    pin->name);
		return;
	}
	l->t->self = self;
	l->t->team = mesh_team(folder_mesh(f), self->team);
	if (!member_has_key(self, &pin->identity)) {
		char text[PUBLIC_KEY_CHARS];

		public_key_write(&pin->identity, text);
		mistake_add(&l->mistakes, &f->mesh.source,
		    folder_place(&f->mesh,
			PATH(slice_of("members"), name, slice_of("keys"))),
		    "this member's own key %s is not among the keys of '%s': "
		    "list it, and have the folder signed",
		    text, pin->name);
	}
	if (self->role == ROLE_NODE) {
		load_node(l, folder_node(f, name));
		return;
	}
	egress = folder_egress(f, name);
	if (egress == NULL)
		mistake_of_file(&l->mistakes, &f->mesh.source,
		    "has the egress '%s' without its file egress/%s.yaml",
		    pin->name, pin->name);
	else
		l->t->egress = egress->record;
}

/* What the header promises of a good load. */
static void
fill(struct loading *l)
{
	struct topology *t = l->t;
	struct hashing h;

	t->mesh = *folder_mesh(&l->folder);
	/* `self` may stay: it points into the same array of members. */
	t->mesh_hash = l->mesh_lock.hash;
	t->mesh_version = l->mesh_lock.version;
	t->mesh_rollback = l->mesh_lock.rollback;
	t->mesh_rollback_count = l->mesh_lock.rollback_count;
	t->node_hash = l->node_lock.hash;
	t->node_version = l->node_lock.version;
	t->node_rollback = l->node_lock.rollback;
	t->node_rollback_count = l->node_lock.rollback_count;
	hashing_init(&h);
	hashing_add(&h, t->mesh_hash.bytes, sizeof(t->mesh_hash.bytes));
	hashing_add(&h, t->node_hash.bytes, sizeof(t->node_hash.bytes));
	t->hash = hashing_done(&h);
	hex_write(t->hash_text, t->hash.bytes, sizeof(t->hash_text) / 2);
}

struct topology *
topology_load(const char *dir, const struct topology_pin *pin, struct buf *why)
{
	struct shared_topology *s = xcalloc(1, sizeof(*s));
	struct loading *l = xcalloc(1, sizeof(*l));
	struct topology *t = &s->topology;

	assert(pin->mesh != NULL && pin->name != NULL);
	atomic_init(&s->owners, 1);
	arena_init(&t->arena, FOLDER_ARENA_BYTES);
	*l = (struct loading){ .t = t, .pin = pin };
	mistakes_init(&l->mistakes, &t->arena);
	folder_read(&l->folder, &t->arena, &l->mistakes, dir, pin->name);
	if (l->mistakes.count == 0)
		load_mesh(l);
	if (l->mistakes.count == 0)
		load_self(l);
	if (l->mistakes.count == 0) {
		fill(l);
	} else {
		mistakes_put(&l->mistakes, why);
		topology_release(t);
		t = NULL;
	}
	free(l);
	return t;
}
