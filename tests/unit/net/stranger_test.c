/*
 * Certificates that tls_boot_new would never make, offered to our verifier.
 * They are forged with OpenSSL itself, which the product's code sees in one
 * file only; no test could make them otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/format/pack.h"
#include "common/net/link.h"
#include "common/net/tls.h"

#define IDENTITY_OID "2.25.239313129169752010921208643102364413861"
#define DAY          86400L

/* What is wrong with a certificate; all zero: nothing. */
struct forgery {
	bool none;        /* no certificate at all */
	bool no_identity; /* no extension */
	bool twice;       /* the extension twice */
	bool one_more;    /* another extension beside it */
	bool other_oid;
	bool trailing;        /* bytes behind the extension's values */
	bool signed_by_other; /* the identity's key did not sign it */
	bool other_spki;      /* vouches for another TLS key */
	bool other_name;      /* vouches for another name */
	bool other_expiry;    /* vouches for another notAfter */
	bool expired, early;  /* by its dates */
	bool bad_self;        /* not signed by its own key */
	bool chain;           /* two certificates */
};

static struct secret *identity, *other;
static int asked;

static bool
check(void *arg, struct slice name, const struct public_key *key)
{
	struct public_key known = sign_public(identity);

	(void)arg;
	asked++;
	return slice_is(name, "node-a") &&
	       crypto_equal(key, &known, sizeof(known));
}

static void
write_identity(struct buf *out, const struct forgery *f, X509 *cert)
{
	unsigned char *spki = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	struct public_key key = sign_public(identity);
	struct signature signature;
	struct buf claim;
	struct tm tm;

	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm), 1);
	buf_init(&claim, 1000);
	pack_array(&claim, 3);
	pack_text(&claim, slice_of(f->other_name ? "node-b" : "node-a"));
	spki[len - 1] ^= f->other_spki;
	pack_bytes(&claim, spki, (size_t)len);
	pack_int(&claim, timegm(&tm) + f->other_expiry);
	OPENSSL_free(spki);
	signature = sign_bytes(f->signed_by_other ? other : identity,
	    "gsr/tls-cert/v1", buf_slice(&claim));
	pack_array(out, 3);
	pack_text(out, slice_of("node-a"));
	pack_bytes(out, key.bytes, sizeof(key.bytes));
	pack_bytes(out, signature.bytes, sizeof(signature.bytes));
	if (f->trailing)
		pack_int(out, 0);
	buf_fini(&claim);
}

static void
add_extension(X509 *cert, const char *oid_text, struct slice value)
{
	ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
	ASN1_OCTET_STRING *outer = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid = OBJ_txt2obj(oid_text, 1);
	unsigned char *der = NULL;
	X509_EXTENSION *ext;
	int len;

	ASN1_OCTET_STRING_set(inner, (const void *)value.ptr, (int)value.len);
	len = i2d_ASN1_OCTET_STRING(inner, &der);
	ASN1_OCTET_STRING_set(outer, der, len);
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, outer);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
	OPENSSL_free(der);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(outer);
	ASN1_OCTET_STRING_free(inner);
}

static X509 *
forge(const struct forgery *f, EVP_PKEY *key, EVP_PKEY *another)
{
	X509 *cert = X509_new();
	struct buf value;

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), f->early ? DAY : -DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert), f->expired ? -60 : 9 * DAY);
	X509_set_pubkey(cert, key);
	buf_init(&value, 1000);
	write_identity(&value, f, cert);
	if (!f->no_identity)
		add_extension(cert, f->other_oid ? "2.25.1" : IDENTITY_OID,
		    buf_slice(&value));
	if (f->twice)
		add_extension(cert, IDENTITY_OID, buf_slice(&value));
	if (f->one_more)
		add_extension(cert, "2.25.2", slice_of("x"));
	buf_fini(&value);
	assert_true(X509_sign(cert, f->bad_self ? another : key, NULL) > 0);
	return cert;
}

/* A child with that certificate; does the parent let it in? */
static bool
is_let_in(const struct forgery *f)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_PKEY *another = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *cert = forge(f, key, another);
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	struct tls_boot *boot = tls_boot_new(other, "egress-1");
	struct tls_check c = { check, NULL };
	enum tls_result result = TLS_WANT_READ;
	struct tls *parent;
	SSL *child;
	int fds[2], i;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
	if (!f->none) {
		SSL_CTX_use_certificate(ctx, cert);
		SSL_CTX_use_PrivateKey(ctx, key);
	}
	if (f->chain)
		SSL_CTX_add1_chain_cert(ctx, cert);
	child = SSL_new(ctx);
	SSL_set_fd(child, fds[0]);
	SSL_set_connect_state(child);
	parent = tls_new(boot, fds[1], true, &c);
	for (i = 0; i < 10 && result == TLS_WANT_READ; i++) {
		SSL_do_handshake(child);
		result = tls_handshake(parent);
	}
	assert_int_equal(tls_stranger(parent), result == TLS_FAILED);
	tls_free(parent);
	SSL_free(child);
	SSL_CTX_free(ctx);
	tls_boot_free(boot);
	X509_free(cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(another);
	close(fds[0]);
	close(fds[1]);
	return result == TLS_OK;
}

static void
a_sound_certificate_is_let_in(void **state)
{
	(void)state;
	asked = 0;
	assert_true(is_let_in(&(struct forgery){ 0 }));
	assert_int_equal(asked, 1);
}

static void
forged_ones_are_not(void **state)
{
	static const struct forgery forgeries[] = { { .none = true },
		{ .no_identity = true }, { .twice = true },
		{ .one_more = true }, { .other_oid = true },
		{ .trailing = true }, { .signed_by_other = true },
		{ .other_spki = true }, { .other_name = true },
		{ .other_expiry = true }, { .expired = true },
		{ .early = true }, { .bad_self = true }, { .chain = true } };
	size_t i;

	(void)state;
	asked = 0;
	for (i = 0; i < count_of(forgeries); i++)
		if (is_let_in(&forgeries[i]))
			fail_msg("forgery %zu was let in", i);
	/* The topology is asked about sound certificates only. */
	assert_int_equal(asked, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_certificate_is_let_in),
		cmocka_unit_test(forged_ones_are_not),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!crypto_start())
		return 1;
	log_threshold(LOG_ERROR);
	identity = sign_key_new();
	other = sign_key_new();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
