#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/seal.h"
#include "common/base/secret.h"

#define CONTEXT "gsr/test/v1"

static struct secret *key;
static struct public_key pk;
static char objects[SEAL_MAX][8];
static struct hash leaves[SEAL_MAX];
static struct seal seals[SEAL_MAX];

static struct slice
object(size_t i)
{
	return slice_make(objects[i], sizeof(objects[i]));
}

static bool
leads_to_its_root(const struct seal *s, size_t i)
{
	struct hash root;

	return seal_root(s, &leaves[i], &root) &&
	       crypto_equal(root.bytes, s->root.bytes, HASH_BYTES);
}

static void
every_object_of_every_count_verifies(void **state)
{
	struct hash root = { { 0 } };
	size_t count, i, j;

	(void)state;
	for (count = 1; count <= SEAL_MAX; count++) {
		seal_make(seals, key, CONTEXT, leaves, count);
		assert_true(seal_check(&seals[count - 1], &pk, CONTEXT,
		    object(count - 1)));
		assert_memory_not_equal(seals[0].root.bytes, root.bytes,
		    HASH_BYTES);
		root = seals[0].root;
		for (i = 0; i < count; i++) {
			assert_memory_equal(seals[i].root.bytes, root.bytes,
			    HASH_BYTES);
			assert_memory_equal(seals[i].signature.bytes,
			    seals[0].signature.bytes, SIGNATURE_BYTES);
			for (j = 0; j < count; j++)
				assert_int_equal(leads_to_its_root(&seals[i],
						     j),
				    i == j);
		}
	}
}

/* The tree written down once more, in the plainest way. */
static struct hash
simple_root(const struct hash *row, size_t count)
{
	struct hash next[SEAL_MAX];
	uint8_t pair[1 + 2 * HASH_BYTES] = { 1 };
	size_t i;

	if (count == 1)
		return row[0];
	for (i = 0; i + 1 < count; i += 2) {
		memcpy(pair + 1, row[i].bytes, HASH_BYTES);
		memcpy(pair + 1 + HASH_BYTES, row[i + 1].bytes, HASH_BYTES);
		next[i / 2] = hash_of(pair, sizeof(pair));
	}
	if (count % 2 == 1)
		next[count / 2] = row[count - 1];
	return simple_root(next, (count + 1) / 2);
}

static void
roots_are_those_of_the_description(void **state)
{
	uint8_t leaf[1 + sizeof(CONTEXT) + 8] = { 0 };
	struct hash want;
	size_t count;

	(void)state;
	memcpy(leaf + 1, CONTEXT, sizeof(CONTEXT));
	memcpy(leaf + 1 + sizeof(CONTEXT), objects[0], 8);
	want = hash_of(leaf, sizeof(leaf));
	assert_memory_equal(want.bytes, leaves[0].bytes, HASH_BYTES);
	for (count = 1; count <= SEAL_MAX; count++) {
		seal_make(seals, key, CONTEXT, leaves, count);
		want = simple_root(leaves, count);
		assert_memory_equal(seals[0].root.bytes, want.bytes,
		    HASH_BYTES);
	}
}

static void
assert_bound(const struct seal *seal, size_t i, size_t bit)
{
	struct seal bad = *seal;

	((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	assert_false(seal_check(&bad, &pk, CONTEXT, object(i)));
}

/* Of the bytes that stand for something: path beyond path_len does not. */
static void
any_flipped_bit_fails(void **state)
{
	static const size_t counts[] = { 1, 2, 3, 7, 8, 33, 64 };
	size_t c, i, bit, end;

	(void)state;
	for (c = 0; c < count_of(counts); c++) {
		i = counts[c] / 2;
		seal_make(seals, key, CONTEXT, leaves, counts[c]);
		end = offsetof(struct seal, path) +
		      seals[i].path_len * sizeof(struct hash);
		for (bit = 0; bit < 8 * end; bit++)
			assert_bound(&seals[i], i, bit);
		for (bit = 0; bit < 8 * sizeof(objects[i]); bit++) {
			objects[i][bit / 8] ^= (char)(1 << bit % 8);
			assert_false(
			    seal_check(&seals[i], &pk, CONTEXT, object(i)));
			objects[i][bit / 8] ^= (char)(1 << bit % 8);
		}
		assert_true(seal_check(&seals[i], &pk, CONTEXT, object(i)));
		assert_false(
		    seal_check(&seals[i], &pk, "gsr/test/v2", object(i)));
	}
}

/* How many pairs of index and count this object verifies with. */
static unsigned
places_of(const struct seal *seal, size_t i)
{
	struct seal tried = *seal;
	unsigned places = 0, index, count;

	for (count = 1; count <= 16; count++)
		for (index = 0; index < count; index++) {
			tried.index = (uint8_t)index;
			tried.count = (uint8_t)count;
			places += seal_check(&tried, &pk, CONTEXT, object(i));
		}
	return places;
}

static void
an_object_has_one_place(void **state)
{
	size_t count, i;

	(void)state;
	for (count = 1; count <= 9; count++) {
		seal_make(seals, key, CONTEXT, leaves, count);
		for (i = 0; i < count; i++) {
			assert_true(
			    seal_check(&seals[i], &pk, CONTEXT, object(i)));
			assert_int_equal(places_of(&seals[i], i), 1);
		}
	}
}

/* Which indexes, counts and lengths of path go together is one answer. */
static void
a_path_cannot_be_of_another_tree(void **state)
{
	struct hash root;
	struct seal s;
	unsigned index, count, len, fitting;

	(void)state;
	memset(&s, 7, sizeof(s));
	for (index = 0; index < 256; index++)
		for (count = 0; count < 256; count++) {
			s.index = (uint8_t)index;
			s.count = (uint8_t)count;
			for (len = 0, fitting = 0; len < 256; len++) {
				s.path_len = (uint8_t)len;
				fitting += seal_root(&s, &leaves[0], &root);
			}
			assert_int_equal(fitting,
			    count >= 1 && count <= SEAL_MAX && index < count);
		}
}

static void
memory_knows_good_roots_only(void **state)
{
	struct seal_memory memory = { 0 };
	struct secret *other = sign_key_new();
	struct public_key wrong = sign_public(other);
	struct seal bad;
	size_t i, round;

	(void)state;
	for (round = 0; round < 20; round++) {
		seal_make(seals, key, CONTEXT, leaves, round + 3);
		bad = seals[1];
		bad.signature.bytes[0] ^= 1;
		assert_false(
		    seal_check_again(&memory, &bad, &pk, CONTEXT, object(1)));
		for (i = 0; i < round + 3; i++)
			assert_true(seal_check_again(&memory, &seals[i], &pk,
			    CONTEXT, object(i)));
		assert_int_equal(memory.next, round + 1);
		assert_false(
		    seal_check_again(&memory, &bad, &pk, CONTEXT, object(1)));
		assert_false(seal_check_again(&memory, &seals[0], &wrong,
		    CONTEXT, object(0)));
		assert_false(seal_check_again(&memory, &seals[0], &pk,
		    "gsr/other/v1", object(0)));
		assert_false(seal_check_again(&memory, &seals[0], &pk, CONTEXT,
		    object(1)));
	}
	secret_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_object_of_every_count_verifies),
		cmocka_unit_test(roots_are_those_of_the_description),
		cmocka_unit_test(any_flipped_bit_fails),
		cmocka_unit_test(an_object_has_one_place),
		cmocka_unit_test(a_path_cannot_be_of_another_tree),
		cmocka_unit_test(memory_knows_good_roots_only),
	};
	int failed;
	size_t i;

	if (!crypto_start())
		return 1;
	key = sign_key_new();
	pk = sign_public(key);
	for (i = 0; i < SEAL_MAX; i++) {
		crypto_random(objects[i], sizeof(objects[i]));
		leaves[i] = seal_leaf(CONTEXT, object(i));
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	secret_free(key);
	return failed;
}
