#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "topology/lock.h"

#define ARENA_BYTES ((size_t)1024 * 1024)
#define TEXT_BYTES  ((size_t)64 * 1024)

/* A mesh lock with one of everything. */
static void
write_full(struct buf *out, const struct secret *key)
{
	struct lock_file files[] = { { slice_of("mesh.yaml"), hash_of("a", 1) },
		{ slice_of("egress/central.yaml"), hash_of("b", 1) } };
	struct lock_team teams[] = { { slice_of("payments"),
	    sign_public(key) } };
	struct public_key revoked[] = { sign_public(key) };
	struct hash rollback[] = { hash_of("c", 1), hash_of("d", 1) };
	struct lock lock = { .kind = LOCK_MESH,
		.mesh = slice_of("demo"),
		.version = 41,
		.signed_at = slice_of("2026-01-31T04:05:06.123456Z"),
		.has_previous = true,
		.previous = hash_of("p", 1),
		.files = files,
		.files_count = count_of(files),
		.teams = teams,
		.teams_count = count_of(teams),
		.revoked = revoked,
		.revoked_count = count_of(revoked),
		.rollback = rollback,
		.rollback_count = count_of(rollback) };

	lock_write(out, &lock, key);
	assert_false(out->failed);
}

static void
what_is_written_is_read(void **state)
{
	struct secret *key = sign_key_new();
	struct public_key public = sign_public(key);
	struct arena arena;
	struct lock lock;
	struct buf text;
	int line;

	(void)state;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&text, TEXT_BYTES);
	write_full(&text, key);
	assert_true(lock_signed_by(LOCK_MESH, buf_slice(&text), &public));
	assert_true(
	    lock_parse(&lock, &arena, LOCK_MESH, buf_slice(&text), &line));
	assert_true(slice_is(lock.mesh, "demo"));
	assert_int_equal(lock.version, 41);
	assert_true(lock.has_previous);
	assert_int_equal(lock.files_count, 2);
	assert_non_null(lock_find_file(&lock, slice_of("egress/central.yaml")));
	assert_null(lock_find_file(&lock, slice_of("egress/central.yam")));
	assert_int_equal(lock.teams_count, 1);
	assert_true(lock_revokes(&lock, &public));
	assert_int_equal(lock.rollback_count, 2);
	/* A mesh lock is no node lock, by signature and by grammar. */
	assert_false(lock_signed_by(LOCK_NODE, buf_slice(&text), &public));
	assert_false(
	    lock_parse(&lock, &arena, LOCK_NODE, buf_slice(&text), &line));
	buf_fini(&text);
	arena_fini(&arena);
	secret_free(key);
}

static void
no_bit_can_change(void **state)
{
	struct secret *key = sign_key_new();
	struct public_key public = sign_public(key);
	struct buf text;
	size_t i;
	int bit;

	(void)state;
	buf_init(&text, TEXT_BYTES);
	write_full(&text, key);
	for (i = 0; i < text.len; i++)
		for (bit = 0; bit < 8; bit++) {
			text.data[i] ^= (uint8_t)(1 << bit);
			assert_false(lock_signed_by(LOCK_MESH, buf_slice(&text),
			    &public));
			text.data[i] ^= (uint8_t)(1 << bit);
		}
	for (i = 0; i < text.len; i++)
		assert_false(lock_signed_by(LOCK_MESH, slice_make(text.data, i),
		    &public));
	buf_putc(&text, '\n');
	assert_false(lock_signed_by(LOCK_MESH, buf_slice(&text), &public));
	buf_fini(&text);
	secret_free(key);
}

/* Signed or not, a line out of place is not read. */
static void
only_this_grammar_is_read(void **state)
{
	static const char head[] = "lock: gsr/mesh-lock/v1\nmesh: demo\n"
				   "version: 1\nsigned_at: x\n";
	static const char file[] = "file: mesh.yaml 0e5751c026e543b2e8ab2eb06"
				   "099daa1d1e5df47778f7787faab45cdf12fe3a8\n";
	static const char *const bodies[][2] = {
		{ head, file }, /* the one that is right */
		{ "lock: gsr/mesh-lock/v2\nmesh: demo\nversion: 1\n"
		  "signed_at: x\n",
		    file },
		{ "mesh: demo\nlock: gsr/mesh-lock/v1\nversion: 1\n"
		  "signed_at: x\n",
		    file },
		{ "lock: gsr/mesh-lock/v1\nmesh: demo\nversion: 0\n"
		  "signed_at: x\n",
		    file },
		{ "lock: gsr/mesh-lock/v1\nmesh: demo\nversion: -1\n"
		  "signed_at: x\n",
		    file },
		{ "lock: gsr/mesh-lock/v1\nmesh: demo\nversion: 01\n"
		  "signed_at: x\n",
		    file },
		{ "lock: gsr/mesh-lock/v1\nmesh: Demo\nversion: 1\n"
		  "signed_at: x\n",
		    file },
		{ head, "" },
		{ head, "file: mesh.yaml 00\n" },
		{ head, "extra: line\n" },
		{ head, "previous: 00\n" },
	};
	static const char signature[] =
	    "signature: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
	struct arena arena;
	struct lock lock;
	struct buf text;
	size_t i;
	int line;

	(void)state;
	buf_init(&text, TEXT_BYTES);
	for (i = 0; i < count_of(bodies); i++) {
		arena_init(&arena, ARENA_BYTES);
		buf_reset(&text);
		buf_printf(&text, "%s%s%s", bodies[i][0], bodies[i][1],
		    signature);
		assert_int_equal(lock_parse(&lock, &arena, LOCK_MESH,
				     buf_slice(&text), &line),
		    i == 0);
		arena_fini(&arena);
	}
	/* A file listed twice could be two things. */
	arena_init(&arena, ARENA_BYTES);
	buf_reset(&text);
	buf_printf(&text, "%s%s%s%s", head, file, file, signature);
	assert_false(
	    lock_parse(&lock, &arena, LOCK_MESH, buf_slice(&text), &line));
	arena_fini(&arena);
	/* A name with a NUL would be another when it is written again. */
	arena_init(&arena, ARENA_BYTES);
	buf_reset(&text);
	buf_printf(&text, "%sfile: x%s%s", head, file + strlen("file: "),
	    signature);
	assert_true(
	    lock_parse(&lock, &arena, LOCK_MESH, buf_slice(&text), &line));
	buf_reset(&text);
	buf_printf(&text, "%sfile: ", head);
	buf_put(&text, "\0", 1);
	buf_printf(&text, "%s%s", file + strlen("file: "), signature);
	assert_false(
	    lock_parse(&lock, &arena, LOCK_MESH, buf_slice(&text), &line));
	arena_fini(&arena);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(no_bit_can_change),
		cmocka_unit_test(only_this_grammar_is_read),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
