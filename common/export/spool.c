#include "common/export/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NAME  "reconcile"
#define SPARE (UINT64_C(256) << 20) /* bytes that stay free */
#define DEPTH 2                     /* folders of files */

/* All in that folder; the descriptor is closed. */
static void
empty(int fd, int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int below;

	if (d == NULL) {
		close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0 || depth == 1)
			continue;
		below = openat(fd, e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			empty(below, depth - 1);
		(void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

static bool
complain(const struct spool *s, struct buf *why, const char *what)
{
	buf_printf(why, "%s: %s\n", s->dir, what);
	return false;
}

static int
open_dir(const struct spool *s)
{
	return open(s->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Who closed it in between has taken the folder away. */
static bool
is_there(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

bool
spool_open(struct spool *s, const char *state_dir, struct buf *why)
{
	s->fd = -1;
	manifest_path(s->dir, state_dir, NAME);
	if (mkdir(s->dir, 0700) < 0 && errno != EEXIST)
		return complain(s, why, strerror(errno));
	s->fd = open_dir(s);
	if (s->fd < 0)
		return complain(s, why, strerror(errno));
	if (flock(s->fd, LOCK_EX | LOCK_NB) < 0 || !is_there(s->fd)) {
		close(s->fd);
		s->fd = -1;
		return complain(s, why,
		    "another reconcile of this member is under way; run it "
		    "again when that is done");
	}
	spool_clear(s);
	return true;
}

void
spool_close(struct spool *s)
{
	if (s->fd < 0)
		return;
	spool_clear(s);
	(void)rmdir(s->dir);
	close(s->fd);
	s->fd = -1;
}

void
spool_folder(const struct spool *s, const char *name,
    char path[EXPORT_PATH_MAX])
{
	manifest_path(path, s->dir, name);
}

void
spool_clear(const struct spool *s)
{
	int fd = open_dir(s);

	if (fd >= 0)
		empty(fd, DEPTH);
}

bool
spool_has_room(const struct spool *s, struct buf *why)
{
	struct statvfs v;

	if (fstatvfs(s->fd, &v) < 0)
		return complain(s, why, strerror(errno));
	if ((uint64_t)v.f_bavail * v.f_frsize > SPARE)
		return true;
	return complain(s, why,
	    "less than 256 MiB of the disk are free, which the store needs: "
	    "ask for less by --from and --to, or make room");
}

void
spool_sweep(const char *state_dir)
{
	struct spool s;

	manifest_path(s.dir, state_dir, NAME);
	s.fd = open_dir(&s);
	if (s.fd < 0)
		return;
	if (flock(s.fd, LOCK_EX | LOCK_NB) == 0)
		spool_close(&s);
	else
		close(s.fd);
}
