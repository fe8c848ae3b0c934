#include "common/member/master.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/crypto.h"
#include "common/base/secret.h"

#define HEX_CHARS      (2 * KEY_BYTES)
#define FILE_BYTES_MAX (HEX_CHARS + 2) /* with "\r\n" */

static bool
is_private(int fd, const char **why)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		*why = "the master key is not a regular file";
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		*why = "the master key belongs to another user";
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		*why = "the master key is open to group or others: chmod 600";
	else
		return true;
	return false;
}

static struct slice
line_of(const char *text, size_t len)
{
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	return slice_make(text, len);
}

/* Not secret_read: a raw key may end in what looks like a line break. */
static struct secret *
read_key(int fd, const char **why)
{
	char text[FILE_BYTES_MAX + 1];
	uint8_t key[KEY_BYTES];
	struct secret *s = NULL;
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, sizeof(text) - len);
		len += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && len < sizeof(text)) || (n < 0 && errno == EINTR));
	*why = "the master key is neither 32 bytes nor 64 hex digits";
	if (n < 0)
		*why = "the master key cannot be read";
	else if (len == KEY_BYTES)
		s = secret_new(text, KEY_BYTES);
	else if (hex_parse(key, KEY_BYTES, line_of(text, len)))
		s = secret_new(key, KEY_BYTES);
	crypto_wipe(text, sizeof(text));
	crypto_wipe(key, sizeof(key));
	return s;
}

/* -1 leaves *why as it is when the file is absent. */
static int
open_key(const char *dir, const char *name, const char **why)
{
	char path[PATH_MAX];
	int fd, n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		*why = "the path of the master key is too long";
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		*why = "the master key cannot be opened";
	return fd;
}

struct secret *
master_open(const char *state_dir, const char *file, const char **why)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	struct secret *s = NULL;
	/* The manager's directory is private; its files' group bits are not
	 * what they seem (ACL masks). */
	bool trusted = false;
	int fd = -1;

	*why = "there is no master key: enroll, or give --master-key";
	if (file != NULL) {
		*why = "the file of --master-key cannot be opened";
		fd = open(file, O_RDONLY | O_CLOEXEC);
	} else {
		if (credentials != NULL)
			fd = open_key(credentials, "gsr-master-key", why);
		trusted = fd >= 0;
		if (fd < 0)
			fd = open_key(state_dir, "master.key", why);
	}
	if (fd < 0)
		return NULL;
	if (trusted || is_private(fd, why))
		s = read_key(fd, why);
	close(fd);
	return s;
}

static bool
write_key(int fd)
{
	uint8_t key[KEY_BYTES];
	char text[HEX_CHARS + 1];
	bool ok;

	crypto_random(key, sizeof(key));
	hex_write(text, key, sizeof(key));
	text[HEX_CHARS] = '\n';
	ok = write(fd, text, sizeof(text)) == (ssize_t)sizeof(text) &&
	     fsync(fd) == 0;
	crypto_wipe(key, sizeof(key));
	crypto_wipe(text, sizeof(text));
	return ok;
}

bool
master_create(const char *state_dir, const char **why)
{
	int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	bool made = false;

	*why = "the state directory cannot be opened";
	if (dir < 0)
		return false;
	if (faccessat(dir, "master.key", F_OK, 0) == 0) {
		made = true;
		goto out;
	}
	*why = "there is a vault already, but its master key is gone";
	if (faccessat(dir, "vault", F_OK, 0) == 0)
		goto out;
	*why = "the master key cannot be written";
	/* Under another name first: half a key must not look like one. */
	fd = openat(dir, "master.key.new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	made = fd >= 0 && write_key(fd) &&
	       renameat(dir, "master.key.new", dir, "master.key") == 0 &&
	       fsync(dir) == 0;
out:
	if (fd >= 0)
		close(fd);
	close(dir);
	return made;
}
