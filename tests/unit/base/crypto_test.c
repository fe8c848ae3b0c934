#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/crypto.h"
#include "common/base/secret.h"

#define CONTEXT "gsr/test/v1"

static void
hashes_are_blake2b(void **state)
{
	static const char empty[] = "0e5751c026e543b2e8ab2eb06099daa1"
				    "d1e5df47778f7787faab45cdf12fe3a8";
	char text[2 * HASH_BYTES + 1];
	struct hash h = hash_of(NULL, 0), other;

	(void)state;
	hex_write(text, h.bytes, HASH_BYTES);
	assert_string_equal(text, empty);
	h = hash_keyed(slice_of("k"), "abc", 3);
	other = hash_of("abc", 3);
	assert_memory_not_equal(h.bytes, other.bytes, HASH_BYTES);
}

static void
a_hash_in_pieces_is_the_whole_hash(void **state)
{
	uint8_t bytes[1000];
	struct hash whole, pieces;
	struct hashing h, copy;
	size_t at, step;

	(void)state;
	crypto_random(bytes, sizeof(bytes));
	whole = hash_of(bytes, sizeof(bytes));
	for (step = 1; step < 300; step += 7) {
		hashing_init(&h);
		for (at = 0; at < sizeof(bytes); at += step) {
			copy = h;
			hashing_add(&copy, bytes + at,
			    min_size(step, sizeof(bytes) - at));
			h = copy;
			hashing_add(&h, NULL, 0);
		}
		pieces = hashing_done(&h);
		assert_memory_equal(pieces.bytes, whole.bytes, HASH_BYTES);
	}
}

static void
tags_depend_on_key_and_bytes(void **state)
{
	uint8_t key[KEY_BYTES] = { 1 }, a[TAG_BYTES], b[TAG_BYTES];

	(void)state;
	crypto_tag(a, key, "hello", 5);
	crypto_tag(b, key, "hello", 5);
	assert_true(crypto_equal(a, b, TAG_BYTES));
	crypto_tag(b, key, "hellp", 5);
	assert_false(crypto_equal(a, b, TAG_BYTES));
	key[31] ^= 1;
	crypto_tag(b, key, "hello", 5);
	assert_false(crypto_equal(a, b, TAG_BYTES));
}

static void
signatures_hold_for_key_context_and_message(void **state)
{
	struct secret *key = sign_key_new(), *other = sign_key_new();
	struct public_key pk = sign_public(key), wrong = sign_public(other);
	struct slice message = slice_of("a message");
	struct signature s = sign_bytes(key, CONTEXT, message), bad;
	size_t i;

	(void)state;
	assert_true(sign_check(&pk, CONTEXT, message, &s));
	assert_false(sign_check(&wrong, CONTEXT, message, &s));
	assert_false(sign_check(&pk, "gsr/test/v2", message, &s));
	assert_false(sign_check(&pk, CONTEXT, slice_of("a messagf"), &s));
	assert_false(sign_check(&pk, CONTEXT, slice_of(""), &s));
	for (i = 0; i < SIGNATURE_BYTES; i++) {
		bad = s;
		bad.bytes[i] ^= 0x40;
		assert_false(sign_check(&pk, CONTEXT, message, &bad));
	}
	/* The context ends where it ends. */
	s = sign_bytes(key, "ab", slice_of("c"));
	assert_false(sign_check(&pk, "a", slice_of("bc"), &s));
	secret_free(key);
	secret_free(other);
}

static void
public_keys_have_one_text(void **state)
{
	struct secret *key = sign_key_new();
	struct public_key pk = sign_public(key), back;
	char text[PUBLIC_KEY_CHARS];
	struct slice s;

	(void)state;
	public_key_write(&pk, text);
	assert_int_equal(strlen(text), PUBLIC_KEY_CHARS - 1);
	s = slice_of(text);
	assert_true(public_key_parse(&back, s));
	assert_memory_equal(back.bytes, pk.bytes, KEY_BYTES);
	assert_false(public_key_parse(&back, slice_make(text, s.len - 1)));
	assert_false(public_key_parse(&back, slice_after(s, 8)));
	assert_false(public_key_parse(&back, slice_of("")));
	text[s.len - 1] = '_'; /* bits beyond the last byte are not zero */
	assert_false(public_key_parse(&back, s));
	text[s.len - 1] = '=';
	assert_false(public_key_parse(&back, s));
	secret_free(key);
}

static void
sealing_is_undone_only_by_its_key(void **state)
{
	uint8_t bytes[KEY_BYTES] = { 7 }, wrong_bytes[KEY_BYTES] = { 8 };
	struct secret *key = secret_new(bytes, KEY_BYTES);
	struct secret *wrong = secret_new(wrong_bytes, KEY_BYTES), *opened;
	struct slice plain = slice_of("sk-provider-key");
	uint8_t sealed[64], again[64];
	size_t len = plain.len + SEALED_EXTRA, i;

	(void)state;
	crypto_seal(sealed, key, plain);
	crypto_seal(again, key, plain);
	assert_memory_not_equal(sealed, again, len);
	opened = crypto_unseal(key, slice_make(sealed, len));
	assert_non_null(opened);
	assert_true(slice_eq(secret_view(opened), plain));
	secret_free(opened);
	assert_null(crypto_unseal(wrong, slice_make(sealed, len)));
	for (i = 0; i < len; i++) {
		assert_null(crypto_unseal(key, slice_make(sealed, i)));
		sealed[i] ^= 1;
		assert_null(crypto_unseal(key, slice_make(sealed, len)));
		sealed[i] ^= 1;
	}
	crypto_seal(sealed, key, slice_make(NULL, 0));
	opened = crypto_unseal(key, slice_make(sealed, SEALED_EXTRA));
	assert_non_null(opened);
	assert_int_equal(secret_view(opened).len, 0);
	secret_free(opened);
	secret_free(key);
	secret_free(wrong);
}

static void
unsealing_into_plain_memory_is_as_strict(void **state)
{
	uint8_t bytes[KEY_BYTES] = { 7 }, sealed[64], out[64];
	struct secret *key = secret_new(bytes, KEY_BYTES);
	struct slice plain = slice_of("what was said");
	size_t len = plain.len + SEALED_EXTRA, i;

	(void)state;
	crypto_seal(sealed, key, plain);
	assert_true(crypto_unseal_into(out, key, slice_make(sealed, len)));
	assert_memory_equal(out, plain.ptr, plain.len);
	for (i = 0; i < len; i++) {
		assert_false(
		    crypto_unseal_into(out, key, slice_make(sealed, i)));
		sealed[i] ^= 1;
		assert_false(
		    crypto_unseal_into(out, key, slice_make(sealed, len)));
		sealed[i] ^= 1;
	}
	secret_free(key);
}

static void
a_derived_key_is_of_its_purpose(void **state)
{
	struct secret *identity = sign_key_new(), *other = sign_key_new();
	struct secret *a = key_derive(identity, "a");
	struct secret *again = key_derive(identity, "a");
	struct secret *b = key_derive(identity, "b");
	struct secret *c = key_derive(other, "a");

	(void)state;
	assert_int_equal(secret_view(a).len, KEY_BYTES);
	assert_true(slice_eq(secret_view(a), secret_view(again)));
	assert_false(slice_eq(secret_view(a), secret_view(b)));
	assert_false(slice_eq(secret_view(a), secret_view(c)));
	secret_free(a);
	secret_free(again);
	secret_free(b);
	secret_free(c);
	secret_free(identity);
	secret_free(other);
}

static void
hex_and_base64_are_exact(void **state)
{
	static const char *const bad_hex[] = { "", "00f", "00fg", "00ff0",
		"00ff00", "0 ff" };
	static const char *const bad_base64[] = { "", "AP8", "AP8B", "AP8BAB",
		"AP8BA=", "AP8B+A", "AP8 BA", "AP8BAAA" };
	uint8_t bytes[4] = { 0x00, 0xff, 0x01, 0x00 }, back[4];
	char text[16];
	size_t i;

	(void)state;
	hex_write(text, bytes, 2);
	assert_string_equal(text, "00ff");
	assert_true(hex_parse(back, 2, slice_of("00FF")));
	assert_memory_equal(back, bytes, 2);
	for (i = 0; i < count_of(bad_hex); i++)
		assert_false(hex_parse(back, 2, slice_of(bad_hex[i])));
	base64_write(text, bytes, 4);
	assert_string_equal(text, "AP8BAA");
	assert_int_equal(BASE64_CHARS(4), 6);
	assert_true(base64_parse(back, 4, slice_of("AP8BAA")));
	assert_memory_equal(back, bytes, 4);
	for (i = 0; i < count_of(bad_base64); i++)
		assert_false(base64_parse(back, 4, slice_of(bad_base64[i])));
	assert_false(base64_parse(back, 3, slice_of("AP8BAA")));
}

static void
random_bytes_and_short_hashes_vary(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_true(crypto_short_hash("a", 1) == crypto_short_hash("a", 1));
	assert_true(crypto_short_hash("a", 1) != crypto_short_hash("b", 1));
	crypto_wipe(a, sizeof(a));
	memset(b, 0, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_blake2b),
		cmocka_unit_test(a_hash_in_pieces_is_the_whole_hash),
		cmocka_unit_test(tags_depend_on_key_and_bytes),
		cmocka_unit_test(signatures_hold_for_key_context_and_message),
		cmocka_unit_test(public_keys_have_one_text),
		cmocka_unit_test(sealing_is_undone_only_by_its_key),
		cmocka_unit_test(unsealing_into_plain_memory_is_as_strict),
		cmocka_unit_test(a_derived_key_is_of_its_purpose),
		cmocka_unit_test(hex_and_base64_are_exact),
		cmocka_unit_test(random_bytes_and_short_hashes_vary),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
