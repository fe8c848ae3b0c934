#include "common/member/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"

#define NEW_SUFFIX ".restoring"

/* In this order: without its keys the directory is nobody's. */
static const struct part {
	const char *name;
	bool always, key;
} parts[] = {
	{ "member.yaml", true, false },
	{ "seen.yaml", true, false },
	{ "vault", false, false },     /* none before the first secret */
	{ "master.key", false, true }, /* may be kept elsewhere */
	{ "identity.key", true, true },
};

static bool
failed(struct buf *why, const char *path, const char *what)
{
	buf_printf(why, "%s %s: %s\n", path, what, strerror(errno));
	return false;
}

static int
open_directory(const char *path, struct buf *why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		failed(why, path, "cannot be read");
	return fd;
}

bool
backup_begin(struct backup *b, const char *dir, struct buf *why)
{
	char absolute[PATH_MAX];

	if (mkdir(dir, 0700) != 0) {
		if (errno != EEXIST)
			return failed(why, dir, "cannot be made");
		buf_printf(why,
		    "%s is there already: each backup needs a directory of "
		    "its own\n",
		    dir);
		return false;
	}
	if (realpath(dir, absolute) == NULL ||
	    snprintf(b->dir, sizeof(b->dir), "%s", absolute) >=
		(int)sizeof(b->dir))
		return failed(why, dir, "cannot be named");
	return true;
}

static bool
copy_parts(const struct backup *b, struct backup_manifest *m, int state, int to,
    struct buf *why)
{
	size_t i;

	for (i = 0; i < count_of(parts); i++) {
		const struct part *p = &parts[i];

		if (p->key && !b->with_identity)
			continue;
		if (!p->always && faccessat(state, p->name, F_OK, 0) != 0)
			continue;
		if (!backup_manifest_add_copy(m, state, p->name, to, why))
			return false;
	}
	return backup_manifest_add_store(m, to, why);
}

static bool
name_member(const struct backup *b, struct backup_manifest *m, struct buf *why)
{
	struct identity id;

	*m = (struct backup_manifest){ .made_us = clock_wall_us() };
	if (!identity_open(&id, b->state_dir, why))
		return false;
	memcpy(m->mesh, id.mesh, sizeof(m->mesh));
	memcpy(m->member, id.name, sizeof(m->member));
	m->role = id.role;
	identity_close(&id);
	return true;
}

bool
backup_finish(const struct backup *b, struct backup_manifest *m,
    struct buf *why)
{
	int state, to;
	bool good;

	if (!name_member(b, m, why))
		return false;
	state = open_directory(b->state_dir, why);
	to = state >= 0 ? open_directory(b->dir, why) : -1;
	good = to >= 0 && copy_parts(b, m, state, to, why) && fsync(to) == 0;
	if (to >= 0)
		close(to);
	if (state >= 0)
		close(state);
	return good && backup_manifest_write(m, b->dir, why);
}

bool
backup_has_identity(const struct backup_manifest *m)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (strcmp(m->files[i].name, "identity.key") == 0)
			return true;
	return false;
}

/* All that has to be there is listed; what is listed is as it was. */
static bool
check(const struct backup_manifest *m, const char *dir, int to, struct buf *why)
{
	bool good = true;
	size_t i, k;
	int fd;

	for (i = 0; i < count_of(parts) && good; i++) {
		if (!parts[i].always || parts[i].key)
			continue;
		for (k = 0; k < m->count; k++)
			if (strcmp(m->files[k].name, parts[i].name) == 0)
				break;
		good = k < m->count;
		if (!good)
			buf_printf(why, "the manifest lacks %s\n",
			    parts[i].name);
	}
	fd = good ? open_directory(dir, why) : -1;
	good = fd >= 0 && backup_manifest_check(m, fd, to, why);
	if (fd >= 0)
		close(fd);
	return good;
}

bool
backup_verify(const char *dir, struct backup_manifest *m, struct buf *why)
{
	return backup_manifest_read(m, dir, why) && check(m, dir, -1, why);
}

/* Only what a restore puts there. */
static void
take_away(const struct backup_manifest *m, const char *path, int fd)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		(void)unlinkat(fd, m->files[i].name, 0);
	(void)unlinkat(fd, "store", AT_REMOVEDIR);
	(void)rmdir(path);
}

static bool
sync_all(int fd)
{
	int store = openat(fd, "store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = store >= 0 && fsync(store) == 0 && fsync(fd) == 0;

	if (store >= 0)
		close(store);
	return good;
}

static bool
fill(const char *dir, const char *path, const struct backup_manifest *m,
    const char *state_dir, struct buf *why)
{
	int fd = open_directory(path, why);
	bool good;

	if (fd < 0)
		return false;
	good = mkdirat(fd, "store", 0700) == 0;
	if (!good)
		failed(why, path, "cannot be filled");
	good = good && check(m, dir, fd, why);
	if (good && (!sync_all(fd) || rename(path, state_dir) != 0))
		good = failed(why, state_dir, "cannot be made");
	if (!good)
		take_away(m, path, fd);
	close(fd);
	return good;
}

/* Gone, so that the new one can take its place: only when it is empty. */
static bool
make_way(const char *state_dir, struct buf *why)
{
	if (rmdir(state_dir) == 0 || errno == ENOENT)
		return true;
	if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
		return failed(why, state_dir, "cannot be used");
	buf_printf(why,
	    "%s is not empty: a restore never replaces anything; take another "
	    "directory, or move this one away\n",
	    state_dir);
	return false;
}

bool
backup_restore(const char *dir, const char *state_dir,
    struct backup_manifest *m, struct buf *why)
{
	size_t len = strlen(state_dir);
	char path[PATH_MAX];

	if (!backup_manifest_read(m, dir, why) || !make_way(state_dir, why))
		return false;
	while (len > 1 && state_dir[len - 1] == '/')
		len--;
	if (snprintf(path, sizeof(path), "%.*s" NEW_SUFFIX, (int)len,
		state_dir) >= (int)sizeof(path)) {
		buf_printf(why, "%s: the path is too long\n", state_dir);
		return false;
	}
	if (mkdir(path, 0700) != 0)
		return failed(why, path, "cannot be made");
	return fill(dir, path, m, state_dir, why);
}
