#pragma once
/*
 * pem: a new key and a certificate that signs itself, good for 127.0.0.1 for
 * an hour, as text; for tests only.
 */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct pem {
	char cert[2048], key[1024];
};

static inline void
pem_text(BIO *bio, char *text, size_t room)
{
	int n = BIO_read(bio, text, (int)room - 1);

	assert_true(n > 0);
	text[n] = '\0';
	BIO_free(bio);
}

static inline void
pem_make(struct pem *p)
{
	BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_EXTENSION *names;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, pair);
	names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
	    "IP:127.0.0.1");
	X509_add_ext(x, names, -1);
	X509_EXTENSION_free(names);
	assert_true(X509_sign(x, pair, EVP_sha256()) > 0);
	PEM_write_bio_X509(cert, x);
	PEM_write_bio_PrivateKey(key, pair, NULL, NULL, 0, NULL, NULL);
	pem_text(cert, p->cert, sizeof(p->cert));
	pem_text(key, p->key, sizeof(p->key));
	X509_free(x);
	EVP_PKEY_free(pair);
}
