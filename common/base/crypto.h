#pragma once
/*
 * crypto: hashes, tags, signatures and sealing, each by one well-known
 * construction (BLAKE2b, Ed25519, XSalsa20-Poly1305, SipHash).  The only file
 * that sees libsodium.  Call crypto_start once before any thread; after that
 * everything here may be called from any thread.
 */
#include "common/base/slice.h"

#define HASH_BYTES       32 /* BLAKE2b-256 */
#define TAG_BYTES        16 /* BLAKE2b-128, keyed */
#define KEY_BYTES        32 /* symmetric keys, Ed25519 public keys and seeds */
#define SIGNATURE_BYTES  64
#define SIGN_KEY_BYTES   64 /* Ed25519: seed, then public key */
#define SEALED_EXTRA     40 /* nonce and tag that crypto_seal adds */
#define PUBLIC_KEY_CHARS 52 /* "ed25519:", 43 of base64, and a NUL */

struct secret;

struct hash {
	uint8_t bytes[HASH_BYTES];
};

struct public_key {
	uint8_t bytes[KEY_BYTES];
};

struct signature {
	uint8_t bytes[SIGNATURE_BYTES];
};

/* The state of a hash that is fed in pieces; a value, copied freely. */
struct hashing {
	_Alignas(64) uint8_t opaque[384];
};

/* False when the library or the kernel's randomness is not usable. */
must_check bool crypto_start(void);

void crypto_random(void *out, size_t len);

/* SipHash under a key of this process: for hash tables only. */
uint64_t crypto_short_hash(const void *in, size_t len);

struct hash hash_of(const void *in, size_t len);

/* BLAKE2b-256 under a key of 1..64 bytes. */
struct hash hash_keyed(struct slice key, const void *in, size_t len);

/* BLAKE2b-128 under a KEY_BYTES key, for packets. */
void crypto_tag(uint8_t tag[TAG_BYTES], const uint8_t key[KEY_BYTES],
    const void *in, size_t len);

void hashing_init(struct hashing *h);
void hashing_add(struct hashing *h, const void *in, size_t len);
struct hash hashing_done(struct hashing *h);

/* Constant time. */
must_check bool crypto_equal(const void *a, const void *b, size_t len);

/* Overwrite for good. */
void crypto_wipe(void *at, size_t len);

/*
 * Memory between guard pages, locked and left out of core files; wiped when
 * freed.  Only secret.c wants it.  Aborts when it cannot be had.
 */
void *guarded_alloc(size_t len) __attribute__((malloc, returns_nonnull));
void guarded_free(void *at);

/*
 * Ed25519 over hash_of(context | 0 | message).  The context is a constant of
 * ours that names what is being signed ("gsr/receipt/v1"), so no signature
 * can stand for something else.  A signing key is a secret of SIGN_KEY_BYTES,
 * made by sign_key_new.
 */
struct secret *sign_key_new(void);
struct public_key sign_public(const struct secret *key);
struct signature sign_bytes(const struct secret *key, const char *context,
    struct slice message);
must_check bool sign_check(const struct public_key *key, const char *context,
    struct slice message, const struct signature *signature);

/* "ed25519:…" as it stands in topology files. */
void public_key_write(const struct public_key *key,
    char text[PUBLIC_KEY_CHARS]);
must_check bool public_key_parse(struct public_key *key, struct slice text);

/*
 * Authenticated encryption: out has room for in.len + SEALED_EXTRA bytes.
 * crypto_unseal gives NULL when the bytes were not sealed under this key.
 */
void crypto_seal(uint8_t *out, const struct secret *key, struct slice in);
struct secret *crypto_unseal(const struct secret *key, struct slice sealed);

/*
 * The same for what is no secret of ours: into ordinary memory with room for
 * sealed.len - SEALED_EXTRA bytes; false and nothing of use there otherwise.
 */
must_check bool crypto_unseal_into(uint8_t *out, const struct secret *key,
    struct slice sealed);

/*
 * Another key of KEY_BYTES, for one purpose ("gsr/maker/v1"), of one with at
 * most 64 bytes such as a signing key.
 */
struct secret *key_derive(const struct secret *from, const char *purpose)
    __attribute__((returns_nonnull));

/* Lower case hex and a NUL: out has room for 2 * len + 1. */
void hex_write(char *out, const void *in, size_t len);
must_check bool hex_parse(void *out, size_t len, struct slice text);

/* URL-safe base64 without padding; how many characters for len bytes. */
#define BASE64_CHARS(len) (((len)*4 + 2) / 3)
void base64_write(char *out, const void *in, size_t len);
/* False unless the text is exactly `len` bytes of it. */
must_check bool base64_parse(void *out, size_t len, struct slice text);
