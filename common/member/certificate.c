#include "common/member/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/secret.h"
#include "common/net/tls.h"
#include "topology/mesh.h"

#define PEM_MAX ((size_t)64 * 1024)

/* Where one of the files stands in the topology, for messages. */
struct place {
	const char *name, *key; /* "tls", "cert" */
	struct slice path;
};

static bool
bad(struct buf *why, const struct place *at, const char *what)
{
	buf_printf(why, "%s.%s %.*s: %s\n", at->name, at->key,
	    SLICE_FMT(at->path), what);
	return false;
}

static const char *
fault_of(const struct stat *st, bool private)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (private && (st->st_mode & S_IRWXO) != 0)
		return "is open to everybody; chmod o= it";
	if (st->st_size == 0 || (uintmax_t)st->st_size > PEM_MAX)
		return "is empty or larger than 64KiB";
	return NULL;
}

/* The whole text with a NUL, which the HTTP library wants; NULL: errno. */
static struct secret *
read_text(int fd)
{
	char text[PEM_MAX + 1];
	struct secret *s = NULL;
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, PEM_MAX - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < PEM_MAX) || (n < 0 && errno == EINTR));
	text[len] = '\0';
	if (n >= 0)
		s = secret_new(text, len + 1);
	crypto_wipe(text, sizeof(text));
	return s;
}

static struct secret *
read_file(const struct place *at, bool private, struct buf *why)
{
	struct secret *s = NULL;
	const char *fault;
	struct stat st;
	int fd;

	/* NONBLOCK: a pipe there must not hang us. */
	fd = open(at->path.ptr, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0) {
		(void)bad(why, at, strerror(errno));
		goto out;
	}
	fault = fault_of(&st, private);
	if (fault != NULL) {
		(void)bad(why, at, fault);
		goto out;
	}
	s = read_text(fd);
	if (s == NULL)
		(void)bad(why, at, strerror(errno));
out:
	if (fd >= 0)
		close(fd);
	return s;
}

static struct hash
hash_both(const struct certificate *c)
{
	struct slice chain = secret_view(c->chain), key = secret_view(c->key);
	struct hashing h;

	hashing_init(&h);
	hashing_add(&h, chain.ptr, chain.len);
	hashing_add(&h, key.ptr, key.len);
	return hashing_done(&h);
}

static bool
is_pair(const struct certificate *c, const struct place *cert,
    const struct place *key, struct buf *why)
{
	switch (
	    tls_pair_of(secret_view(c->chain).ptr, secret_view(c->key).ptr)) {
	case TLS_PAIR:
		return true;
	case TLS_NO_CERTIFICATE:
		return bad(why, cert, "has no certificate in PEM");
	case TLS_NO_KEY:
		return bad(why, key, "has no key in PEM without a password");
	case TLS_KEY_OF_ANOTHER:
		break;
	}
	buf_printf(why, "%s.%s %.*s: is not the key of %s.%s\n", key->name,
	    key->key, SLICE_FMT(key->path), cert->name, cert->key);
	return false;
}

bool
certificate_read(struct certificate *c, const struct tls_files *tls,
    const char *name, struct buf *why)
{
	const struct place cert = { name, "cert", tls->cert };
	const struct place key = { name, "key", tls->key };

	*c = (struct certificate){ .chain = NULL };
	if (tls->cert.len == 0)
		return true;
	c->chain = read_file(&cert, false, why);
	c->key = read_file(&key, true, why);
	if (c->chain == NULL || c->key == NULL ||
	    !is_pair(c, &cert, &key, why)) {
		certificate_fini(c);
		return false;
	}
	c->hash = hash_both(c);
	return true;
}

void
certificate_fini(struct certificate *c)
{
	secret_free(c->chain);
	secret_free(c->key);
	*c = (struct certificate){ .chain = NULL };
}
