#pragma once
/*
 * tls: one TLS 1.3 connection on a socket, both sides proven by this boot's
 * certificate, which carries the member's identity (docs/PROTOCOL.md).  The
 * only file that sees OpenSSL.  A boot is shared by all threads; a tls belongs
 * to one.  Nothing here blocks or calls back, but for `check`.
 */
#include "common/base/crypto.h"

struct roster;
struct tls;
struct tls_boot;

enum tls_result {
	TLS_OK,
	TLS_WANT_READ,
	TLS_WANT_WRITE,
	TLS_CLOSED, /* the peer said goodbye */
	TLS_FAILED  /* tls_why says it */
};

/*
 * May the holder of that identity be at the other end?  Asked in the
 * handshake, when all else about the certificate was found good.
 */
struct tls_check {
	bool (
	    *check)(void *arg, struct slice name, const struct public_key *key);
	void *arg;
};

/* What the links of this process share; see roster.h. */
struct roster *tls_roster(const struct tls_boot *boot);

/* The descriptor stays the caller's; it does not block. */
struct tls *tls_new(const struct tls_boot *boot, int fd, bool accept,
    const struct tls_check *check);
void tls_free(struct tls *t);

enum tls_result tls_handshake(struct tls *t);

/* Some bytes: *got is at least 1 when it gives TLS_OK. */
enum tls_result tls_read(struct tls *t, void *out, size_t room, size_t *got);

/* Bytes wait inside that no event of the socket will tell of. */
bool tls_pending(const struct tls *t);

/* What was not taken has to be offered again, at least as long. */
enum tls_result tls_write(struct tls *t, struct slice bytes, size_t *taken);

/* Say goodbye, if it can be said at once. */
void tls_goodbye(struct tls *t);

/*
 * 32 bytes that only the two ends of this connection know, bound to both
 * certificates.  After the handshake.
 */
must_check bool tls_export(struct tls *t, uint8_t secret[KEY_BYTES]);

enum tls_pair {
	TLS_PAIR,
	TLS_NO_CERTIFICATE,
	TLS_NO_KEY, /* or one with a password */
	TLS_KEY_OF_ANOTHER
};

/* Are these PEM texts a certificate and its key?  For another's TLS. */
enum tls_pair tls_pair_of(const char *cert, const char *key);

/* A constant text. */
const char *tls_why(const struct tls *t);

/* The peer had no certificate, or one that was refused. */
bool tls_stranger(const struct tls *t);
