#include "common/base/crypto.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/base/secret.h"

#define PUBLIC_KEY_PREFIX "ed25519:"

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(struct hashing),
    "struct hashing holds libsodium's state");
_Static_assert(SIGN_KEY_BYTES == crypto_sign_SECRETKEYBYTES,
    "SIGN_KEY_BYTES is libsodium's");
_Static_assert(SEALED_EXTRA ==
		   crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES,
    "SEALED_EXTRA is nonce and tag");

/* Written once by crypto_start, before any thread. */
static uint8_t short_hash_key[crypto_shorthash_KEYBYTES];

bool
crypto_start(void)
{
	if (sodium_init() < 0)
		return false;
	randombytes_buf(short_hash_key, sizeof(short_hash_key));
	return true;
}

void
crypto_random(void *out, size_t len)
{
	randombytes_buf(out, len);
}

uint64_t
crypto_short_hash(const void *in, size_t len)
{
	uint64_t hash;

	crypto_shorthash((unsigned char *)&hash, in, len, short_hash_key);
	return hash;
}

struct hash
hash_of(const void *in, size_t len)
{
	return hash_keyed(slice_make(NULL, 0), in, len);
}

struct hash
hash_keyed(struct slice key, const void *in, size_t len)
{
	struct hash h;

	assert(key.len <= crypto_generichash_KEYBYTES_MAX);
	crypto_generichash(h.bytes, sizeof(h.bytes), in, len,
	    (const unsigned char *)key.ptr, key.len);
	return h;
}

void
crypto_tag(uint8_t tag[TAG_BYTES], const uint8_t key[KEY_BYTES], const void *in,
    size_t len)
{
	crypto_generichash(tag, TAG_BYTES, in, len, key, KEY_BYTES);
}

void
hashing_init(struct hashing *h)
{
	crypto_generichash_init((crypto_generichash_state *)(void *)h->opaque,
	    NULL, 0, HASH_BYTES);
}

void
hashing_add(struct hashing *h, const void *in, size_t len)
{
	crypto_generichash_update((crypto_generichash_state *)(void *)h->opaque,
	    in, len);
}

struct hash
hashing_done(struct hashing *h)
{
	struct hash out;

	crypto_generichash_final((crypto_generichash_state *)(void *)h->opaque,
	    out.bytes, sizeof(out.bytes));
	return out;
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void
crypto_wipe(void *at, size_t len)
{
	sodium_memzero(at, len);
}

void *
guarded_alloc(size_t len)
{
	void *at = sodium_malloc(len);

	if (at == NULL)
		abort();
	return at;
}

void
guarded_free(void *at)
{
	sodium_free(at);
}

struct secret *
sign_key_new(void)
{
	uint8_t pk[KEY_BYTES], sk[SIGN_KEY_BYTES];
	struct secret *key;

	crypto_sign_keypair(pk, sk);
	key = secret_new(sk, sizeof(sk));
	sodium_memzero(sk, sizeof(sk));
	return key;
}

struct public_key
sign_public(const struct secret *key)
{
	struct slice sk = secret_view(key);
	struct public_key pk;

	assert(sk.len == SIGN_KEY_BYTES);
	memcpy(pk.bytes, sk.ptr + SIGN_KEY_BYTES - KEY_BYTES, KEY_BYTES);
	return pk;
}

static struct hash
hash_for_signing(const char *context, struct slice message)
{
	struct hashing h;

	hashing_init(&h);
	hashing_add(&h, context, strlen(context) + 1);
	hashing_add(&h, message.ptr, message.len);
	return hashing_done(&h);
}

struct signature
sign_bytes(const struct secret *key, const char *context, struct slice message)
{
	struct hash h = hash_for_signing(context, message);
	struct slice sk = secret_view(key);
	struct signature signature;

	assert(sk.len == SIGN_KEY_BYTES);
	crypto_sign_detached(signature.bytes, NULL, h.bytes, sizeof(h.bytes),
	    (const unsigned char *)sk.ptr);
	return signature;
}

bool
sign_check(const struct public_key *key, const char *context,
    struct slice message, const struct signature *signature)
{
	struct hash h = hash_for_signing(context, message);

	return crypto_sign_verify_detached(signature->bytes, h.bytes,
		   sizeof(h.bytes), key->bytes) == 0;
}

void
public_key_write(const struct public_key *key, char text[PUBLIC_KEY_CHARS])
{
	size_t n = sizeof(PUBLIC_KEY_PREFIX) - 1;

	memcpy(text, PUBLIC_KEY_PREFIX, n);
	base64_write(text + n, key->bytes, sizeof(key->bytes));
}

bool
public_key_parse(struct public_key *key, struct slice text)
{
	if (!slice_starts(text, PUBLIC_KEY_PREFIX))
		return false;
	return base64_parse(key->bytes, sizeof(key->bytes),
	    slice_after(text, sizeof(PUBLIC_KEY_PREFIX) - 1));
}

void
crypto_seal(uint8_t *out, const struct secret *key, struct slice in)
{
	struct slice k = secret_view(key);

	assert(k.len == KEY_BYTES);
	randombytes_buf(out, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(out + crypto_secretbox_NONCEBYTES,
	    (const unsigned char *)in.ptr, in.len, out,
	    (const unsigned char *)k.ptr);
}

bool
crypto_unseal_into(uint8_t *out, const struct secret *key, struct slice sealed)
{
	const unsigned char *in = (const unsigned char *)sealed.ptr;
	struct slice k = secret_view(key);

	return sealed.len >= SEALED_EXTRA && k.len == KEY_BYTES &&
	       crypto_secretbox_open_easy(out, in + crypto_secretbox_NONCEBYTES,
		   sealed.len - crypto_secretbox_NONCEBYTES, in,
		   (const unsigned char *)k.ptr) == 0;
}

struct secret *
crypto_unseal(const struct secret *key, struct slice sealed)
{
	struct secret *opened = NULL;
	uint8_t *plain;

	if (sealed.len < SEALED_EXTRA)
		return NULL;
	plain = guarded_alloc(sealed.len - SEALED_EXTRA);
	if (crypto_unseal_into(plain, key, sealed))
		opened = secret_new(plain, sealed.len - SEALED_EXTRA);
	guarded_free(plain);
	return opened;
}

struct secret *
key_derive(const struct secret *from, const char *purpose)
{
	struct hash h =
	    hash_keyed(secret_view(from), purpose, strlen(purpose) + 1);
	struct secret *key = secret_new(h.bytes, sizeof(h.bytes));

	crypto_wipe(&h, sizeof(h));
	return key;
}

void
hex_write(char *out, const void *in, size_t len)
{
	sodium_bin2hex(out, 2 * len + 1, in, len);
}

bool
hex_parse(void *out, size_t len, struct slice text)
{
	size_t n;

	return text.len == 2 * len &&
	       sodium_hex2bin(out, len, text.ptr, text.len, NULL, &n, NULL) ==
		   0 &&
	       n == len;
}

void
base64_write(char *out, const void *in, size_t len)
{
	sodium_bin2base64(out,
	    sodium_base64_encoded_len(len,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING),
	    in, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool
base64_parse(void *out, size_t len, struct slice text)
{
	size_t i, n;

	/* The library takes some bytes beyond ASCII for '-' and '_'. */
	for (i = 0; i < text.len; i++)
		if ((text.ptr[i] & 0x80) != 0)
			return false;
	return text.len == BASE64_CHARS(len) &&
	       sodium_base642bin(out, len, text.ptr, text.len, NULL, &n, NULL,
		   sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
	       n == len;
}
