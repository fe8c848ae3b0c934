#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/secret.h"
#include "common/member/certificate.h"
#include "tests/unit/net/pem.h"
#include "topology/mesh.h"

struct files {
	char dir[32], cert[64], key[64];
	struct tls_files tls;
	struct pem pem;
	struct buf why;
};

static void
put(const char *path, const char *text, unsigned mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void
files_make(struct files *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/certificate.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->cert, sizeof(f->cert), "%s/a.crt", f->dir);
	snprintf(f->key, sizeof(f->key), "%s/a.key", f->dir);
	f->tls = (struct tls_files){ slice_of(f->cert), slice_of(f->key) };
	pem_make(&f->pem);
	put(f->cert, f->pem.cert, 0644);
	put(f->key, f->pem.key, 0640);
	buf_init(&f->why, 4096);
}

static void
files_remove(struct files *f)
{
	unlink(f->cert);
	unlink(f->key);
	rmdir(f->dir);
	buf_fini(&f->why);
}

static void
refuses(struct files *f, const char *key, const char *words)
{
	struct certificate c;
	char expect[256];

	buf_reset(&f->why);
	assert_false(certificate_read(&c, &f->tls, "tls", &f->why));
	assert_null(c.chain);
	assert_null(c.key);
	snprintf(expect, sizeof(expect), "tls.%s %s: %s\n", key,
	    strcmp(key, "key") == 0 ? f->key : f->cert, words);
	assert_string_equal(buf_text(&f->why), expect);
}

static void
a_pair_is_read_whole(void **state)
{
	struct certificate c, again;
	struct files f;

	(void)state;
	files_make(&f);
	assert_true(certificate_read(&c, &f.tls, "tls", &f.why));
	assert_string_equal(secret_view(c.chain).ptr, f.pem.cert);
	assert_string_equal(secret_view(c.key).ptr, f.pem.key);
	assert_true(certificate_read(&again, &f.tls, "tls", &f.why));
	assert_memory_equal(&c.hash, &again.hash, sizeof(c.hash));
	certificate_fini(&again);
	pem_make(&f.pem);
	put(f.cert, f.pem.cert, 0644);
	put(f.key, f.pem.key, 0600);
	assert_true(certificate_read(&again, &f.tls, "tls", &f.why));
	assert_memory_not_equal(&c.hash, &again.hash, sizeof(c.hash));
	certificate_fini(&again);
	certificate_fini(&c);
	files_remove(&f);
}

static void
none_is_fine_when_none_is_named(void **state)
{
	const struct tls_files none = { { NULL, 0 }, { NULL, 0 } };
	struct certificate c;

	(void)state;
	assert_true(certificate_read(&c, &none, "tls", NULL));
	assert_null(c.chain);
	certificate_fini(&c);
}

static void
what_is_wrong_is_told(void **state)
{
	struct files f;
	struct pem other;

	(void)state;
	files_make(&f);
	pem_make(&other);
	put(f.key, f.pem.key, 0644);
	refuses(&f, "key", "is open to everybody; chmod o= it");
	put(f.key, other.key, 0600);
	refuses(&f, "key", "is not the key of tls.cert");
	put(f.key, "nonsense\n", 0600);
	refuses(&f, "key", "has no key in PEM without a password");
	put(f.key, "", 0600);
	refuses(&f, "key", "is empty or larger than 64KiB");
	put(f.key, f.pem.key, 0600);
	put(f.cert, f.pem.key, 0600);
	refuses(&f, "cert", "has no certificate in PEM");
	unlink(f.cert);
	refuses(&f, "cert", "No such file or directory");
	assert_int_equal(mkdir(f.cert, 0700), 0);
	refuses(&f, "cert", "is no regular file");
	rmdir(f.cert);
	files_remove(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_is_read_whole),
		cmocka_unit_test(none_is_fine_when_none_is_named),
		cmocka_unit_test(what_is_wrong_is_told),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
