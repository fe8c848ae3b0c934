#include "common/net/tls.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/format/pack.h"
#include "common/net/link.h"
#include "common/net/roster.h"

/* Under the UUID arc, which needs no registration. */
#define IDENTITY_OID "2.25.239313129169752010921208643102364413861"

#define CERT_CONTEXT  "gsr/tls-cert/v1"
#define EXPORT_LABEL  "EXPERIMENTAL gsr-link-v1"
#define CIPHERS       "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define SKEW_SECONDS  (7 * 86400L)   /* peers' clocks may be behind by this */
#define VALID_SECONDS (730 * 86400L) /* longer than a boot should be */
#define CERT_MAX      4096
#define KEY_RECORDS   (1U << 23) /* AES-GCM: well below RFC 8446, 5.5 */

struct tls_boot {
	SSL_CTX *ctx;
	struct roster *roster;
};

struct tls {
	SSL *ssl;
	struct tls_check check;
	const char *why;
	bool accept, refused;
	bool done;        /* the handshake */
	unsigned records; /* written with this key, at most */
};

/* What an identity vouches for: SPKI, name and expiry, as one message. */
static void
write_claim(struct buf *out, struct slice name, struct slice spki,
    int64_t not_after)
{
	pack_array(out, 3);
	pack_text(out, name);
	pack_bytes(out, spki.ptr, spki.len);
	pack_int(out, not_after);
}

static int64_t
not_after_of(const X509 *cert)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return -1;
	return timegm(&tm);
}

/* The octets of the identity extension, as a value of their own. */
static bool
add_identity(X509 *cert, struct slice identity)
{
	ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
	ASN1_OCTET_STRING *outer = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid = OBJ_txt2obj(IDENTITY_OID, 1);
	X509_EXTENSION *ext = NULL;
	unsigned char *der = NULL;
	int len;
	bool ok = false;

	if (inner == NULL || outer == NULL || oid == NULL ||
	    ASN1_OCTET_STRING_set(inner, (const void *)identity.ptr,
		(int)identity.len) != 1)
		goto out;
	len = i2d_ASN1_OCTET_STRING(inner, &der);
	if (len < 0 || ASN1_OCTET_STRING_set(outer, der, len) != 1)
		goto out;
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, outer);
	ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
out:
	X509_EXTENSION_free(ext);
	OPENSSL_free(der);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(outer);
	ASN1_OCTET_STRING_free(inner);
	return ok;
}

/* Name, key and signature of the identity, packed. */
static bool
vouch(X509 *cert, const struct secret *identity, struct slice name)
{
	struct public_key key = sign_public(identity);
	struct signature signature;
	struct buf claim, extension;
	unsigned char *spki = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	bool ok;

	if (len < 0)
		return false;
	buf_init(&claim, CERT_MAX);
	buf_init(&extension, CERT_MAX);
	write_claim(&claim, name, slice_make(spki, (size_t)len),
	    not_after_of(cert));
	signature = sign_bytes(identity, CERT_CONTEXT, buf_slice(&claim));
	pack_array(&extension, 3);
	pack_text(&extension, name);
	pack_bytes(&extension, key.bytes, sizeof(key.bytes));
	pack_bytes(&extension, signature.bytes, sizeof(signature.bytes));
	ok = !claim.failed && !extension.failed &&
	     add_identity(cert, buf_slice(&extension));
	buf_fini(&extension);
	buf_fini(&claim);
	OPENSSL_free(spki);
	return ok;
}

static bool
name_certificate(X509 *cert, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	uint32_t serial;

	crypto_random(&serial, sizeof(serial));
	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(cert),
		   (long)(serial >> 1 | 1)) == 1 &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		   (const void *)name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, subject) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -SKEW_SECONDS) !=
		   NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECONDS) != NULL;
}

/* A fresh key and its certificate go into the context. */
static bool
certify(SSL_CTX *ctx, const struct secret *identity, const char *name)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *cert = X509_new();
	bool ok = key != NULL && cert != NULL && name_certificate(cert, name) &&
		  X509_set_pubkey(cert, key) == 1 &&
		  vouch(cert, identity, slice_of(name)) &&
		  X509_sign(cert, key, NULL) > 0 &&
		  SSL_CTX_use_certificate(ctx, cert) == 1 &&
		  SSL_CTX_use_PrivateKey(ctx, key) == 1;

	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

/* Exactly the one extension that we know; its inner octets. */
static ASN1_OCTET_STRING *
identity_of(const X509 *cert)
{
	X509_EXTENSION *ext;
	const ASN1_OCTET_STRING *outer;
	ASN1_OCTET_STRING *inner;
	const unsigned char *at, *end;
	char oid[80];

	if (X509_get_ext_count(cert) != 1)
		return NULL;
	ext = X509_get_ext(cert, 0);
	OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(ext), 1);
	if (strcmp(oid, IDENTITY_OID) != 0)
		return NULL;
	outer = X509_EXTENSION_get_data(ext);
	at = ASN1_STRING_get0_data(outer);
	end = at + ASN1_STRING_length(outer);
	inner = d2i_ASN1_OCTET_STRING(NULL, &at, end - at);
	if (inner != NULL && at != end) {
		ASN1_OCTET_STRING_free(inner);
		return NULL;
	}
	return inner;
}

/* Does the identity named in the extension vouch for this certificate? */
static bool
vouched(X509 *cert, struct slice name, const struct public_key *key,
    const struct signature *signature)
{
	struct buf claim;
	unsigned char *spki = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	bool ok;

	if (len < 0)
		return false;
	buf_init(&claim, CERT_MAX);
	write_claim(&claim, name, slice_make(spki, (size_t)len),
	    not_after_of(cert));
	ok = !claim.failed &&
	     sign_check(key, CERT_CONTEXT, buf_slice(&claim), signature);
	buf_fini(&claim);
	OPENSSL_free(spki);
	return ok;
}

static bool
is_sound(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	return X509_get_version(cert) == X509_VERSION_3 && key != NULL &&
	       EVP_PKEY_is_a(key, "ED25519") && X509_verify(cert, key) == 1 &&
	       X509_cmp_current_time(X509_get0_notBefore(cert)) < 0 &&
	       X509_cmp_current_time(X509_get0_notAfter(cert)) > 0;
}

/* Why the certificate will not do, or NULL. */
static const char *
fault_of(const struct tls *t, X509 *cert)
{
	ASN1_OCTET_STRING *inner = identity_of(cert);
	struct public_key key;
	struct signature signature;
	struct slice name;
	struct unpack u;
	const char *fault = NULL;

	if (inner == NULL)
		return "certificate without an identity";
	u = unpack_start(slice_make(ASN1_STRING_get0_data(inner),
	    (size_t)ASN1_STRING_length(inner)));
	if (unpack_array(&u) != 3)
		u.failed = true;
	name = unpack_text(&u);
	unpack_fixed(&u, key.bytes, sizeof(key.bytes));
	unpack_fixed(&u, signature.bytes, sizeof(signature.bytes));
	if (!unpack_done(&u) || name.len < 1 || name.len > LINK_NAME_MAX)
		fault = "certificate with a broken identity";
	else if (!is_sound(cert))
		fault = "certificate is not valid now";
	else if (!vouched(cert, name, &key, &signature))
		fault = "certificate not signed by its identity";
	else if (!t->check.check(t->check.arg, name, &key))
		fault = "not allowed by the topology";
	ASN1_OCTET_STRING_free(inner);
	return fault;
}

static int
verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
	X509 *cert = X509_STORE_CTX_get0_cert(store);

	(void)arg;
	if (cert == NULL || sk_X509_num(chain) != 1)
		t->why = "not exactly one certificate";
	else
		t->why = fault_of(t, cert);
	t->refused = t->why != NULL;
	X509_STORE_CTX_set_error(store,
	    t->refused ? X509_V_ERR_APPLICATION_VERIFICATION : X509_V_OK);
	return !t->refused;
}

static bool
set_up(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_AUTO_RETRY);
	/* One read() takes header and body of a record, and what follows. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify(ctx,
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, CIPHERS) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, "X25519") == 1 &&
	       SSL_CTX_set1_sigalgs_list(ctx, "ed25519") == 1 &&
	       SSL_CTX_set1_client_sigalgs_list(ctx, "ed25519") == 1;
}

static const char *
library_fault(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_error());

	return text != NULL ? text : "connection broke";
}

struct tls_boot *
tls_boot_new(const struct secret *identity, const char *name)
{
	struct tls_boot *boot = xcalloc(1, sizeof(*boot));

	ERR_clear_error();
	boot->ctx = SSL_CTX_new(TLS_method());
	if (boot->ctx == NULL || !set_up(boot->ctx) ||
	    !certify(boot->ctx, identity, name)) {
		log_error("cannot make this boot's certificate",
		    log_str("fault", library_fault()));
		SSL_CTX_free(boot->ctx);
		free(boot);
		return NULL;
	}
	boot->roster = roster_new();
	return boot;
}

void
tls_boot_free(struct tls_boot *boot)
{
	if (boot == NULL)
		return;
	roster_free(boot->roster);
	SSL_CTX_free(boot->ctx);
	free(boot);
}

struct roster *
tls_roster(const struct tls_boot *boot)
{
	return boot->roster;
}

struct tls *
tls_new(const struct tls_boot *boot, int fd, bool accept,
    const struct tls_check *check)
{
	struct tls *t = xcalloc(1, sizeof(*t));
	bool ok;

	t->check = *check;
	t->accept = accept;
	t->ssl = SSL_new(boot->ctx);
	ok = t->ssl != NULL && SSL_set_fd(t->ssl, fd) == 1 &&
	     SSL_set_app_data(t->ssl, t) == 1;
	assert(ok); /* only memory can be short */
	if (accept)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}

static enum tls_result
result_of(struct tls *t, int result)
{
	int error = SSL_get_error(t->ssl, result);

	switch (error) {
	case SSL_ERROR_NONE:
		return TLS_OK;
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		t->why = "closed by the peer";
		return TLS_CLOSED;
	}
	if (t->why == NULL)
		t->why = library_fault();
	if (ERR_GET_REASON(ERR_peek_error()) ==
	    SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		t->refused = true;
	ERR_clear_error();
	return TLS_FAILED;
}

enum tls_result
tls_handshake(struct tls *t)
{
	enum tls_result result;

	ERR_clear_error();
	result = result_of(t, SSL_do_handshake(t->ssl));
	t->done = result == TLS_OK;
	return result;
}

enum tls_result
tls_read(struct tls *t, void *out, size_t room, size_t *got)
{
	*got = 0;
	ERR_clear_error();
	return result_of(t, SSL_read_ex(t->ssl, out, room, got));
}

bool
tls_pending(const struct tls *t)
{
	return SSL_has_pending(t->ssl) == 1;
}

/* OpenSSL never does that by itself; the next write begins with it. */
static void
renew_key(struct tls *t)
{
	if (++t->records < KEY_RECORDS)
		return;
	/* Not now, when a write is half done: then after a later one. */
	if (SSL_key_update(t->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
		t->records = 0;
	ERR_clear_error();
}

enum tls_result
tls_write(struct tls *t, struct slice bytes, size_t *taken)
{
	enum tls_result result;

	*taken = 0;
	ERR_clear_error();
	result =
	    result_of(t, SSL_write_ex(t->ssl, bytes.ptr, bytes.len, taken));
	/* Partial writes are on: each one is one record. */
	if (result == TLS_OK)
		renew_key(t);
	return result;
}

void
tls_goodbye(struct tls *t)
{
	ERR_clear_error();
	/* A new key that was not told yet goes first. */
	if (t->done && SSL_do_handshake(t->ssl) == 1)
		SSL_shutdown(t->ssl);
	ERR_clear_error();
}

static struct hash
certificate_hash(const X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);
	struct hash hash;

	assert(len > 0);
	hash = hash_of(der, (size_t)len);
	OPENSSL_free(der);
	return hash;
}

bool
tls_export(struct tls *t, uint8_t secret[KEY_BYTES])
{
	X509 *peer = SSL_get0_peer_certificate(t->ssl);
	struct hash both[2]; /* the dialler's first */

	if (peer == NULL)
		return false;
	both[t->accept ? 1 : 0] = certificate_hash(SSL_get_certificate(t->ssl));
	both[t->accept ? 0 : 1] = certificate_hash(peer);
	return SSL_export_keying_material(t->ssl, secret, KEY_BYTES,
		   EXPORT_LABEL, strlen(EXPORT_LABEL), (const void *)both,
		   sizeof(both), 1) == 1;
}

/* Never ask the terminal. */
static int
no_password(char *room, int size, int writing, void *arg)
{
	(void)room;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static enum tls_pair
judge_pair(const X509 *cert, const EVP_PKEY *key)
{
	if (cert == NULL)
		return TLS_NO_CERTIFICATE;
	if (key == NULL)
		return TLS_NO_KEY;
	return X509_check_private_key(cert, key) == 1 ? TLS_PAIR
						      : TLS_KEY_OF_ANOTHER;
}

enum tls_pair
tls_pair_of(const char *cert, const char *key)
{
	BIO *cert_bio = BIO_new_mem_buf(cert, -1);
	BIO *key_bio = BIO_new_mem_buf(key, -1);
	X509 *x = PEM_read_bio_X509(cert_bio, NULL, no_password, NULL);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL);
	enum tls_pair pair = judge_pair(x, k);

	ERR_clear_error();
	EVP_PKEY_free(k);
	X509_free(x);
	BIO_free(key_bio);
	BIO_free(cert_bio);
	return pair;
}

const char *
tls_why(const struct tls *t)
{
	return t->why != NULL ? t->why : "";
}

bool
tls_stranger(const struct tls *t)
{
	return t->refused;
}
