#include "topology/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/secret.h"
#include "topology/file.h"

#define HEADER     "gsr-signing-key/v1 "
#define KEY_CHARS  BASE64_CHARS(SIGN_KEY_BYTES)
#define LINE_CHARS (sizeof(HEADER) - 1 + KEY_CHARS)

bool
keyfile_make(const char *path, struct public_key *public, struct buf *why)
{
	struct secret *key = sign_key_new();
	char line[LINE_CHARS + 2];
	struct slice view = secret_view(key);
	bool fine;

	memcpy(line, HEADER, sizeof(HEADER) - 1);
	base64_write(line + sizeof(HEADER) - 1, view.ptr, view.len);
	line[LINE_CHARS] = '\n';
	*public = sign_public(key);
	fine = file_create(path, 0600, slice_make(line, LINE_CHARS + 1));
	if (!fine && errno == EEXIST)
		buf_printf(why,
		    "%s is there already; a key is never replaced\n", path);
	else if (!fine)
		buf_printf(why, "%s cannot be written: %s\n", path,
		    strerror(errno));
	crypto_wipe(line, sizeof(line));
	secret_free(key);
	return fine;
}

/* A key whose halves do not belong together would sign what nobody accepts. */
static bool
signs(const struct secret *key)
{
	struct public_key public = sign_public(key);
	struct signature signature;

	signature = sign_bytes(key, "gsr/keyfile-check/v1", slice_of(""));
	return sign_check(&public, "gsr/keyfile-check/v1", slice_of(""),
	    &signature);
}

static struct secret *
decode(struct slice line)
{
	uint8_t bytes[SIGN_KEY_BYTES];
	struct secret *key = NULL;

	if (slice_starts(line, HEADER) &&
	    base64_parse(bytes, sizeof(bytes),
		slice_after(line, sizeof(HEADER) - 1)))
		key = secret_new(bytes, sizeof(bytes));
	crypto_wipe(bytes, sizeof(bytes));
	if (key != NULL && !signs(key)) {
		secret_free(key);
		key = NULL;
	}
	return key;
}

/* An open descriptor of a file that only its owner may read, or -1. */
static int
open_private(const char *path, struct buf *why)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		buf_printf(why, "%s cannot be read: %s\n", path,
		    strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 077) == 0)
		return fd;
	buf_printf(why,
	    "%s holds a signing key and may be read by others: chmod 600 %s\n",
	    path, path);
	close(fd);
	return -1;
}

struct secret *
keyfile_read(const char *path, struct buf *why)
{
	struct secret *line, *key = NULL;
	int fd = open_private(path, why);

	if (fd < 0)
		return NULL;
	line = secret_read(fd, LINE_CHARS);
	close(fd);
	if (line != NULL)
		key = decode(secret_view(line));
	secret_free(line);
	if (key == NULL)
		buf_printf(why,
		    "%s is no signing key; gsr-topology keygen FILE makes "
		    "one\n",
		    path);
	return key;
}

bool
keyfile_public(const char *text_or_path, struct public_key *public,
    struct buf *why)
{
	struct secret *line, *key = NULL;
	bool fine = false;
	int fd;

	if (public_key_parse(public, slice_of(text_or_path)))
		return true;
	if (strncmp(text_or_path, "ed25519:", 8) == 0) {
		buf_printf(why,
		    "'%s' is no public key; write ed25519: and 43 "
		    "characters\n",
		    text_or_path);
		return false;
	}
	fd = open(text_or_path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		buf_printf(why, "%s cannot be read: %s\n", text_or_path,
		    strerror(errno));
		return false;
	}
	line = secret_read(fd, LINE_CHARS);
	close(fd);
	if (line != NULL) {
		fine = public_key_parse(public, secret_view(line));
		if (!fine && (key = decode(secret_view(line))) != NULL) {
			*public = sign_public(key);
			fine = true;
		}
	}
	if (!fine)
		buf_printf(why, "%s holds no key\n", text_or_path);
	secret_free(key);
	secret_free(line);
	return fine;
}
