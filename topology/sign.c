#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "topology/check.h"
#include "topology/commands.h"
#include "topology/file.h"
#include "topology/keyfile.h"
#include "topology/review.h"
#include "topology/trust.h"

#define WHY_BYTES_MAX 4096

struct sign_options {
	const char *key, *node;
	struct option_list allow_rollback, revoke;
};

/* One run of the command. */
struct signing {
	const struct sign_options *options;
	const char *dir;
	struct review *review;
	struct secret *key;
	struct public_key public;
	struct lock last; /* version 0 when this is the first */
	struct lock lock; /* to be written */
	struct folder_file *at;
	struct buf why;
};

static bool
fail(struct signing *s, const char *why)
{
	buf_printf(&s->why, "%s\n", why);
	return false;
}

/* The lock that is there; it has to be of the same key. */
static bool
read_last(struct signing *s, enum lock_kind kind)
{
	struct slice text = s->at->source.text;
	int line;

	s->lock.kind = kind;
	if (!s->at->found)
		return true;
	if (!lock_signed_by(kind, text, &s->public)) {
		buf_printf(&s->why,
		    "%s was not signed by this key, or was changed: take it "
		    "from git again; to begin anew with version 1 (members "
		    "then have to be enrolled anew) move it away\n",
		    s->at->source.name);
		return false;
	}
	if (lock_parse(&s->last, &s->review->arena, kind, text, &line))
		return true;
	return fail(s, "the lock that is there is of another version of "
		       "gsr-topology; sign with that one");
}

static bool
take_rollback(struct signing *s)
{
	const struct option_list *list = &s->options->allow_rollback;
	size_t i;

	s->lock.rollback =
	    arena_many(&s->review->arena, struct hash, list->count);
	for (i = 0; i < list->count; i++) {
		struct hash *hash = &s->lock.rollback[i];
		const char *text = list->items[i];

		if (strcmp(text, "last") == 0 && s->last.version > 0) {
			*hash = s->last.hash;
		} else if (!hex_parse(hash->bytes, sizeof(hash->bytes),
			       slice_of(text))) {
			buf_printf(&s->why,
			    "--allow-rollback '%s' is no lock's hash; verify "
			    "prints them, and 'last' is the present one\n",
			    text);
			return false;
		}
		s->lock.rollback_count++;
	}
	return true;
}

/* Revocations of earlier locks stay, for ever. */
static bool
take_revoked(struct signing *s)
{
	const struct option_list *list = &s->options->revoke;
	struct lock *lock = &s->lock;
	size_t i;

	lock->revoked = arena_many(&s->review->arena, struct public_key,
	    s->last.revoked_count + list->count);
	for (i = 0; i < s->last.revoked_count; i++)
		lock->revoked[lock->revoked_count++] = s->last.revoked[i];
	for (i = 0; i < list->count; i++) {
		struct public_key key;

		if (!public_key_parse(&key, slice_of(list->items[i]))) {
			buf_printf(&s->why, "--revoke '%s' is no public key\n",
			    list->items[i]);
			return false;
		}
		if (!lock_revokes(lock, &key))
			lock->revoked[lock->revoked_count++] = key;
	}
	if (lock->revoked_count > LOCK_ENTRIES_MAX)
		return fail(s, "too many keys are revoked for one lock");
	return true;
}

static void
cover(struct signing *s, const struct folder_file *file)
{
	struct slice text = file->source.text;

	s->lock.files[s->lock.files_count++] =
	    (struct lock_file){ slice_of(file->source.name),
		    hash_of(text.ptr, text.len) };
}

static bool
fill_mesh(struct signing *s)
{
	struct folder *f = &s->review->folder;
	const struct mesh *mesh = folder_mesh(f);
	size_t i;

	s->lock.mesh = mesh->name;
	s->lock.files =
	    arena_many(f->arena, struct lock_file, f->egresses_count + 1);
	s->lock.teams =
	    arena_many(f->arena, struct lock_team, mesh->teams_count);
	cover(s, &f->mesh);
	for (i = 0; i < f->egresses_count; i++)
		cover(s, &f->egresses[i]);
	for (i = 0; i < mesh->teams_count; i++)
		s->lock.teams[i] = (struct lock_team){ mesh->teams[i].name,
			mesh->teams[i].signing_key };
	s->lock.teams_count = mesh->teams_count;
	if (mesh->teams_count > LOCK_ENTRIES_MAX)
		return fail(s, "too many teams for one lock");
	if (!take_revoked(s))
		return false;
	check_revoked(f, s->lock.revoked, s->lock.revoked_count);
	return true;
}

static bool
fill_node(struct signing *s)
{
	struct folder *f = &s->review->folder;
	const struct mesh *mesh = folder_mesh(f);
	const struct member *m = mesh_member(mesh, slice_of(s->options->node));
	const struct team *team = m != NULL ? mesh_team(mesh, m->team) : NULL;
	char text[PUBLIC_KEY_CHARS];

	if (s->options->revoke.count > 0)
		return fail(s, "only the operator revokes: sign the mesh with "
			       "--revoke, without --node");
	if (m == NULL || team == NULL || m->role != ROLE_NODE) {
		buf_printf(&s->why, "mesh.yaml has no node '%s'\n",
		    s->options->node);
		return false;
	}
	if (!crypto_equal(&team->signing_key, &s->public, sizeof(s->public))) {
		public_key_write(&team->signing_key, text);
		buf_printf(&s->why,
		    "this is not the key of team '%s': mesh.yaml says %s\n",
		    m->team.ptr, text);
		return false;
	}
	s->lock.mesh = mesh->name;
	s->lock.member = m->name;
	s->lock.files = arena_new(f->arena, struct lock_file);
	cover(s, folder_node(f, m->name));
	return true;
}

static bool
fill(struct signing *s)
{
	char now[CLOCK_TEXT_BYTES];
	bool node = s->options->node != NULL;

	s->at = node ? &s->review->folder.node_locks[0]
		     : &s->review->folder.mesh_lock;
	if (!read_last(s, node ? LOCK_NODE : LOCK_MESH))
		return false;
	clock_write(clock_wall_us(), now);
	s->lock.version = s->last.version + 1;
	s->lock.has_previous = s->last.version > 0;
	s->lock.previous = s->last.hash;
	s->lock.signed_at = arena_copy(&s->review->arena, slice_of(now));
	return take_rollback(s) && (node ? fill_node(s) : fill_mesh(s));
}

static bool
write_lock(struct signing *s)
{
	char hash[HASH_CHARS];
	const char *path;
	struct lock written;
	struct buf text;
	bool fine;
	int line;

	buf_init(&text, LOCK_BYTES_MAX);
	lock_write(&text, &s->lock, s->key);
	/* What members could not read must not be written. */
	fine = !text.failed && lock_parse(&written, &s->review->arena,
				   s->lock.kind, buf_slice(&text), &line);
	if (!fine) {
		buf_fini(&text);
		return fail(s, "the lock would be too large");
	}
	path = arena_printf(&s->review->arena, "%s/%s", s->dir,
	    s->at->source.name);
	fine = file_write(path, 0644, buf_slice(&text));
	if (!fine)
		buf_printf(&s->why, "%s cannot be written: %s\n", path,
		    strerror(errno));
	hex_write(hash, written.hash.bytes, sizeof(written.hash.bytes));
	if (fine)
		printf("%s: version %" PRId64 " of %zu file%s, hash %s\n", path,
		    written.version, written.files_count,
		    written.files_count == 1 ? "" : "s", hash);
	buf_fini(&text);
	return fine;
}

static bool
run(struct signing *s)
{
	s->key = keyfile_read(s->options->key, &s->why);
	if (s->key == NULL)
		return false;
	s->public = sign_public(s->key);
	s->review = review_new(s->dir, s->options->node);
	if (!check_folder(&s->review->folder) || !fill(s) ||
	    s->review->mistakes.count > 0)
		return false;
	return write_lock(s);
}

static int
sign(const void *options, int count, char *const *operands)
{
	struct signing s = { .options = options, .dir = operands[0] };
	bool fine;

	(void)count;
	buf_init(&s.why, WHY_BYTES_MAX);
	fine = run(&s);
	complain(&s.why);
	if (s.review != NULL) {
		(void)review_tell(s.review);
		review_free(s.review);
	}
	secret_free(s.key);
	buf_fini(&s.why);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const struct option_spec options[] = {
	{ .name = "key",
	    .value = "FILE",
	    .type = OPTION_TEXT,
	    .offset = offsetof(struct sign_options, key),
	    .required = true,
	    .help = "the signing key, as keygen wrote it" },
	{ .name = "node",
	    .value = "NAME",
	    .type = OPTION_TEXT,
	    .offset = offsetof(struct sign_options, node),
	    .help = "sign node/NAME.yaml with its team's key" },
	{ .name = "allow-rollback",
	    .value = "HASH",
	    .type = OPTION_LIST,
	    .offset = offsetof(struct sign_options, allow_rollback),
	    .help = "members may go back to that lock; 'last': the present" },
	{ .name = "revoke",
	    .value = "KEY",
	    .type = OPTION_LIST,
	    .offset = offsetof(struct sign_options, revoke),
	    .help = "never accept this key again; for ever" },
};

const struct command sign_command = {
	.name = "sign",
	.operands = "DIR",
	.summary = "sign the mesh, or one node's file",
	.text = "Checks the folder, then writes mesh.lock with the operator's "
		"key: the\nhashes of mesh.yaml and all egress files, and each "
		"team's signing key.\nWith --node, a team signs its own node "
		"file, on its own schedule. Each\nsigning has the next "
		"version; members refuse older ones.\n\n"
		"  gsr-topology sign mesh --key operator.key\n"
		"  gsr-topology sign mesh --key payments.key --node payments",
	.options = options,
	.options_count = count_of(options),
	.options_bytes = sizeof(struct sign_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = sign,
};
