#include "topology/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/memory.h"

/* Bytes read, or -1. */
static ssize_t
read_all(int fd, char *at, size_t room)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, at + len, room - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < room) || (n < 0 && errno == EINTR));
	return n < 0 ? -1 : (ssize_t)len;
}

enum file_read
file_read(struct arena *arena, const char *path, size_t max, struct slice *text)
{
	enum file_read result = FILE_FAILED;
	char *bytes = NULL;
	struct stat st;
	ssize_t len;
	int fd;

	/* NONBLOCK: a pipe in a folder must not hang us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? FILE_MISSING : FILE_FAILED;
	if (fstat(fd, &st) != 0)
		goto out;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		goto out;
	}
	bytes = xmalloc(max + 1);
	len = read_all(fd, bytes, max + 1);
	if (len < 0)
		goto out;
	if ((size_t)len > max) {
		result = FILE_TOO_LARGE;
		goto out;
	}
	*text = arena_copy(arena, slice_make(bytes, (size_t)len));
	result = FILE_FINE;
out:
	free(bytes);
	close(fd);
	return result;
}

static bool
write_all(int fd, struct slice text)
{
	ssize_t n;

	while (text.len > 0) {
		n = write(fd, text.ptr, text.len);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			text = slice_after(text, (size_t)n);
	}
	return fsync(fd) == 0;
}

/* A rename is durable when the directory is. */
static bool
sync_directory_of(const char *path)
{
	char copy[PATH_MAX];
	bool fine;
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	fine = fsync(fd) == 0;
	close(fd);
	return fine;
}

static bool
write_beside(const char *path, unsigned mode, struct slice text, bool replace)
{
	char beside[PATH_MAX];
	bool fine = false;
	int fd, error;

	if (snprintf(beside, sizeof(beside), "%s.%jd.new", path,
		(intmax_t)getpid()) >= (int)sizeof(beside)) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return false;
	if (!write_all(fd, text))
		goto out;
	fine = replace ? rename(beside, path) == 0 : link(beside, path) == 0;
	fine = fine && sync_directory_of(path);
out:
	error = errno;
	close(fd);
	if (!fine || !replace)
		unlink(beside);
	errno = error;
	return fine;
}

bool
file_write(const char *path, unsigned mode, struct slice text)
{
	return write_beside(path, mode, text, true);
}

bool
file_create(const char *path, unsigned mode, struct slice text)
{
	return write_beside(path, mode, text, false);
}
