#include "common/base/secret.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/crypto.h"
#include "common/base/memory.h"

/* The header is ordinary memory, only the bytes are guarded. */
struct secret {
	atomic_int owners;
	size_t len;
	uint8_t *bytes;
};

struct secret *
secret_new(const void *bytes, size_t len)
{
	struct secret *s = xmalloc(sizeof(*s));

	atomic_init(&s->owners, 1);
	s->len = len;
	s->bytes = guarded_alloc(len);
	memcpy(s->bytes, bytes, len);
	return s;
}

struct secret *
secret_hold(struct secret *s)
{
	atomic_fetch_add(&s->owners, 1);
	return s;
}

void
secret_free(struct secret *s)
{
	if (s == NULL || atomic_fetch_sub(&s->owners, 1) > 1)
		return;
	guarded_free(s->bytes);
	crypto_wipe(s, sizeof(*s));
	free(s);
}

struct slice
secret_view(const struct secret *s)
{
	assert(atomic_load(&s->owners) > 0);
	return slice_make(s->bytes, s->len);
}

struct secret *
secret_read(int fd, size_t max)
{
	uint8_t *bytes = guarded_alloc(max + 2);
	struct secret *s = NULL;
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, bytes + len, max + 2 - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < max + 2) || (n < 0 && errno == EINTR));
	if (len > 0 && bytes[len - 1] == '\n')
		len--;
	if (len > 0 && bytes[len - 1] == '\r')
		len--;
	if (n >= 0 && len > 0 && len <= max)
		s = secret_new(bytes, len);
	guarded_free(bytes);
	return s;
}
