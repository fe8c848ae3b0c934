/*
 * Lines of text, in this order and no other:
 *
 *   # comment                         for people; signed too
 *   lock: gsr/mesh-lock/v1            or gsr/node-lock/v1
 *   mesh: NAME
 *   member: NAME                      node locks only
 *   version: 3                        one more than the last
 *   signed_at: 2026-01-31T04:05:06.123456Z
 *   previous: HASH                    of the last lock; not in the first
 *   file: egress/central.yaml HASH    BLAKE2b-256 of the exact bytes
 *   team: NAME ed25519:KEY            mesh locks only
 *   revoked: ed25519:KEY              mesh locks only; for ever
 *   rollback: HASH                    an earlier lock members may go back to
 *   signature: BASE64                 over every byte above this line
 */
#include "topology/lock.h"

#include <assert.h>
#include <inttypes.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/secret.h"
#include "topology/value.h"

#define SIGNATURE_CHARS BASE64_CHARS(SIGNATURE_BYTES)
#define VERSION_DIGITS  15
#define LINE_CHARS_MAX  512

static const char signature_key[] = "signature: ";
static const char *const contexts
    [] = { [LOCK_MESH] = "gsr/mesh-lock/v1", [LOCK_NODE] = "gsr/node-lock/v1" };

/* The last line is the signature's, and nothing follows it. */
static bool
split(struct slice text, struct slice *covered, struct slice *signature)
{
	size_t tail = sizeof(signature_key) - 1 + SIGNATURE_CHARS + 1;
	struct slice line;

	if (text.len <= tail)
		return false;
	*covered = slice_make(text.ptr, text.len - tail);
	line = slice_after(text, covered->len);
	if (covered->ptr[covered->len - 1] != '\n' ||
	    !slice_starts(line, signature_key) ||
	    line.ptr[line.len - 1] != '\n')
		return false;
	*signature = slice_after(line, sizeof(signature_key) - 1);
	signature->len--;
	return true;
}

/* The one text of these bytes: libsodium 1.0.18 also reads 0xDF as '_'. */
static bool
read_signature(struct slice encoded, struct signature *signature)
{
	char again[SIGNATURE_CHARS + 1];

	if (!base64_parse(signature->bytes, sizeof(signature->bytes), encoded))
		return false;
	base64_write(again, signature->bytes, sizeof(signature->bytes));
	return slice_is(encoded, again);
}

bool
lock_signed_by(enum lock_kind kind, struct slice text,
    const struct public_key *key)
{
	struct slice covered, encoded;
	struct signature signature;

	return split(text, &covered, &encoded) &&
	       read_signature(encoded, &signature) &&
	       sign_check(key, contexts[kind], covered, &signature);
}

/* What is still to be read, and which line that is. */
struct cursor {
	struct arena *arena;
	struct slice rest;
	int line;
};

/* As a lock is written: no control character, a NUL least of all. */
static bool
is_text(struct slice value)
{
	size_t i;

	for (i = 0; i < value.len; i++)
		if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 0x7f)
			return false;
	return true;
}

/* The value of the next line when it is "key: value". */
static bool
take(struct cursor *c, const char *key, struct slice *value)
{
	size_t len = strlen(key);
	const char *end;

	end = c->rest.len > 0 ? memchr(c->rest.ptr, '\n', c->rest.len) : NULL;
	if (end == NULL || end - c->rest.ptr > LINE_CHARS_MAX ||
	    !slice_starts(c->rest, key) || c->rest.ptr[len] != ':' ||
	    c->rest.ptr[len + 1] != ' ')
		return false;
	*value = slice_make(c->rest.ptr + len + 2,
	    (size_t)(end - c->rest.ptr) - len - 2);
	if (!is_text(*value))
		return false;
	c->rest = slice_after(c->rest, (size_t)(end - c->rest.ptr) + 1);
	c->line++;
	return true;
}

static bool
take_name(struct cursor *c, const char *key, struct slice *name)
{
	struct slice value;

	if (!take(c, key, &value) || !is_name(value))
		return false;
	*name = arena_copy(c->arena, value);
	return true;
}

static bool
take_version(struct cursor *c, int64_t *version)
{
	struct slice value;
	size_t i;

	*version = 0;
	if (!take(c, "version", &value) || value.len == 0 ||
	    value.len > VERSION_DIGITS || value.ptr[0] == '0')
		return false;
	for (i = 0; i < value.len; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9')
			return false;
		*version = *version * 10 + (value.ptr[i] - '0');
	}
	return true;
}

static bool
read_hash(struct slice text, struct hash *hash)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] >= 'A' && text.ptr[i] <= 'F')
			return false;
	return hex_parse(hash->bytes, sizeof(hash->bytes), text);
}

/* "NAME WORD" */
static bool
split_pair(struct slice value, struct slice *name, struct slice *word)
{
	const char *space =
	    value.len > 0 ? memchr(value.ptr, ' ', value.len) : NULL;

	if (space == NULL || space == value.ptr)
		return false;
	*name = slice_make(value.ptr, (size_t)(space - value.ptr));
	*word = slice_after(value, name->len + 1);
	return true;
}

/* How many lines with this key come next. */
static size_t
count_lines(const struct cursor *c, const char *key)
{
	struct cursor ahead = *c;
	struct slice value;
	size_t count = 0;

	while (take(&ahead, key, &value))
		count++;
	return count;
}

static bool
take_files(struct cursor *c, struct lock *lock)
{
	struct slice value, name, hash;
	size_t n = count_lines(c, "file"), i;

	if (n == 0 || n > LOCK_ENTRIES_MAX)
		return false;
	lock->files = arena_many(c->arena, struct lock_file, n);
	for (i = 0; i < n; i++) {
		if (!take(c, "file", &value) ||
		    !split_pair(value, &name, &hash) ||
		    !read_hash(hash, &lock->files[i].hash) ||
		    lock_find_file(lock, name) != NULL)
			return false;
		lock->files[i].name = arena_copy(c->arena, name);
		lock->files_count++;
	}
	return true;
}

static bool
take_teams(struct cursor *c, struct lock *lock)
{
	struct slice value, name, key;
	size_t n = count_lines(c, "team"), i;

	if (n > LOCK_ENTRIES_MAX)
		return false;
	lock->teams = arena_many(c->arena, struct lock_team, n);
	for (i = 0; i < n; i++) {
		if (!take(c, "team", &value) ||
		    !split_pair(value, &name, &key) || !is_name(name) ||
		    !public_key_parse(&lock->teams[i].key, key))
			return false;
		lock->teams[i].name = arena_copy(c->arena, name);
		lock->teams_count++;
	}
	return true;
}

static bool
take_revoked(struct cursor *c, struct lock *lock)
{
	size_t n = count_lines(c, "revoked"), i;
	struct slice value;

	if (n > LOCK_ENTRIES_MAX)
		return false;
	lock->revoked = arena_many(c->arena, struct public_key, n);
	for (i = 0; i < n; i++) {
		if (!take(c, "revoked", &value) ||
		    !public_key_parse(&lock->revoked[i], value))
			return false;
		lock->revoked_count++;
	}
	return true;
}

static bool
take_rollback(struct cursor *c, struct lock *lock)
{
	size_t n = count_lines(c, "rollback"), i;
	struct slice value;

	if (n > LOCK_ENTRIES_MAX)
		return false;
	lock->rollback = arena_many(c->arena, struct hash, n);
	for (i = 0; i < n; i++) {
		if (!take(c, "rollback", &value) ||
		    !read_hash(value, &lock->rollback[i]))
			return false;
		lock->rollback_count++;
	}
	return true;
}

static bool
take_head(struct cursor *c, struct lock *lock)
{
	struct slice value;
	const char *end;

	if (slice_starts(c->rest, "# ")) {
		end = memchr(c->rest.ptr, '\n', c->rest.len);
		if (end == NULL)
			return false;
		c->rest = slice_after(c->rest, (size_t)(end - c->rest.ptr) + 1);
		c->line++;
	}
	return take(c, "lock", &value) &&
	       slice_is(value, contexts[lock->kind]) &&
	       take_name(c, "mesh", &lock->mesh) &&
	       (lock->kind == LOCK_MESH ||
		   take_name(c, "member", &lock->member)) &&
	       take_version(c, &lock->version);
}

static bool
take_lines(struct cursor *c, struct lock *lock)
{
	struct slice value;

	if (!take_head(c, lock) || !take(c, "signed_at", &value))
		return false;
	lock->signed_at = arena_copy(c->arena, value);
	if (take(c, "previous", &value)) {
		lock->has_previous = true;
		if (!read_hash(value, &lock->previous))
			return false;
	}
	if (!take_files(c, lock))
		return false;
	if (lock->kind == LOCK_MESH &&
	    (!take_teams(c, lock) || !take_revoked(c, lock)))
		return false;
	return take_rollback(c, lock) && c->rest.len == 0;
}

bool
lock_parse(struct lock *lock, struct arena *arena, enum lock_kind kind,
    struct slice text, int *line)
{
	struct cursor c = { .arena = arena, .line = 1 };
	struct slice covered, signature;
	bool fine;

	*lock = (struct lock){ .kind = kind };
	*line = 1;
	if (!split(text, &covered, &signature))
		return false;
	c.rest = covered;
	lock->hash = hash_of(covered.ptr, covered.len);
	fine = take_lines(&c, lock);
	*line = c.line;
	return fine;
}

static void
put_hash(struct buf *out, const char *key, const struct hash *hash)
{
	char text[HASH_CHARS];

	hex_write(text, hash->bytes, sizeof(hash->bytes));
	buf_printf(out, "%s%s\n", key, text);
}

static void
put_entries(struct buf *out, const struct lock *lock)
{
	char key[PUBLIC_KEY_CHARS];
	size_t i;

	for (i = 0; i < lock->files_count; i++) {
		buf_printf(out, "file: %.*s", SLICE_FMT(lock->files[i].name));
		put_hash(out, " ", &lock->files[i].hash);
	}
	for (i = 0; i < lock->teams_count; i++) {
		public_key_write(&lock->teams[i].key, key);
		buf_printf(out, "team: %.*s %s\n",
		    SLICE_FMT(lock->teams[i].name), key);
	}
	for (i = 0; i < lock->revoked_count; i++) {
		public_key_write(&lock->revoked[i], key);
		buf_printf(out, "revoked: %s\n", key);
	}
	for (i = 0; i < lock->rollback_count; i++)
		put_hash(out, "rollback: ", &lock->rollback[i]);
}

void
lock_write(struct buf *out, const struct lock *lock, const struct secret *key)
{
	char encoded[SIGNATURE_CHARS + 1];
	struct signature signature;
	size_t start = out->len;
	struct slice covered;

	buf_puts(out, "# Made by gsr-topology sign. Not to be edited: every "
		      "byte is signed.\n");
	buf_printf(out, "lock: %s\nmesh: %.*s\n", contexts[lock->kind],
	    SLICE_FMT(lock->mesh));
	if (lock->kind == LOCK_NODE)
		buf_printf(out, "member: %.*s\n", SLICE_FMT(lock->member));
	buf_printf(out, "version: %" PRId64 "\nsigned_at: %.*s\n",
	    lock->version, SLICE_FMT(lock->signed_at));
	if (lock->has_previous)
		put_hash(out, "previous: ", &lock->previous);
	put_entries(out, lock);
	assert(!out->failed);
	covered = slice_after(buf_slice(out), start);
	signature = sign_bytes(key, contexts[lock->kind], covered);
	base64_write(encoded, signature.bytes, sizeof(signature.bytes));
	buf_printf(out, "%s%s\n", signature_key, encoded);
}

const struct lock_file *
lock_find_file(const struct lock *lock, struct slice name)
{
	size_t i;

	for (i = 0; i < lock->files_count; i++)
		if (slice_eq(lock->files[i].name, name))
			return &lock->files[i];
	return NULL;
}

bool
lock_revokes(const struct lock *lock, const struct public_key *key)
{
	size_t i;

	for (i = 0; i < lock->revoked_count; i++)
		if (crypto_equal(&lock->revoked[i], key, sizeof(*key)))
			return true;
	return false;
}
