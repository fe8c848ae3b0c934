#include "common/member/backup_manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/base/version.h"
#include "common/format/json.h"
#include "topology/file.h"
#include "topology/value.h"

#define FORMAT      1
#define TEXT_MAX    (32 * 1024 * 1024)
#define ARENA_MAX   (256 * 1024 * 1024)
#define PIECE_BYTES ((size_t)128 * 1024)
#define STORE       "store/"

void
backup_manifest_fini(struct backup_manifest *m)
{
	free(m->files);
	m->files = NULL;
	m->count = 0;
}

/* What RocksDB calls its files, and nothing that leads elsewhere. */
static bool
is_store_name(struct slice name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if ((name.ptr[i] < 'a' || name.ptr[i] > 'z') &&
		    (name.ptr[i] < 'A' || name.ptr[i] > 'Z') &&
		    (name.ptr[i] < '0' || name.ptr[i] > '9') &&
		    (i == 0 || strchr("._-", name.ptr[i]) == NULL))
			return false;
	return name.len > 0;
}

bool
backup_manifest_name_ok(struct slice name)
{
	static const char *const own[] = { "member.yaml", "seen.yaml", "vault",
		"identity.key", "master.key" };
	size_t i;

	if (name.len > BACKUP_NAME_MAX)
		return false;
	for (i = 0; i < count_of(own); i++)
		if (slice_is(name, own[i]))
			return true;
	return slice_starts(name, STORE) &&
	       is_store_name(slice_after(name, strlen(STORE)));
}

static bool
failed(struct buf *why, const char *name, const char *what)
{
	buf_printf(why, "%s %s: %s\n", name, what, strerror(errno));
	return false;
}

static bool
write_piece(int fd, const char *at, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, at, len);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* To `out`, unless that is -1. */
static bool
read_through(int in, int out, struct backup_file *f)
{
	char *piece = xmalloc(PIECE_BYTES);
	struct hashing hashing;
	ssize_t n = 1;

	f->bytes = 0;
	hashing_init(&hashing);
	while (n > 0) {
		n = read(in, piece, PIECE_BYTES);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0) {
			hashing_add(&hashing, piece, (size_t)n);
			f->bytes += n;
			if (out >= 0 && !write_piece(out, piece, (size_t)n))
				n = -1;
		}
	}
	free(piece);
	f->hash = hashing_done(&hashing);
	return n == 0 && (out < 0 || fsync(out) == 0);
}

static int
open_whole(int dir, const char *name)
{
	int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		fd = -1;
	}
	return fd;
}

/* f->name is said: what it is like, and a copy below `to` unless that is -1. */
static bool
take_file(int dir, int to, struct backup_file *f, struct buf *why)
{
	int in = open_whole(dir, f->name), out = -1;
	bool good;

	if (in < 0)
		return failed(why, f->name, "cannot be read");
	if (to >= 0) {
		out = openat(to, f->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (out < 0) {
			close(in);
			return failed(why, f->name, "cannot be made");
		}
	}
	good = read_through(in, out, f);
	if (!good)
		failed(why, f->name, "cannot be copied");
	close(in);
	if (out >= 0)
		close(out);
	return good;
}

static struct backup_file *
more_room(struct backup_manifest *m)
{
	/* Powers of two, from 64 on. */
	if (m->files == NULL)
		m->files = xcalloc(64, sizeof(*m->files));
	else if (m->count >= 64 && (m->count & (m->count - 1)) == 0)
		m->files = xrealloc(m->files, 2 * m->count * sizeof(*m->files));
	return &m->files[m->count];
}

bool
backup_manifest_add_copy(struct backup_manifest *m, int dir, const char *name,
    int to, struct buf *why)
{
	struct backup_file *f;

	if (!backup_manifest_name_ok(slice_of(name)) ||
	    m->count == BACKUP_FILES_MAX) {
		buf_printf(why, "%s is no file of a backup, or one too many\n",
		    name);
		return false;
	}
	f = more_room(m);
	*f = (struct backup_file){ .bytes = 0 };
	memcpy(f->name, name, strlen(name));
	if (!take_file(dir, to, f, why))
		return false;
	m->count++;
	return true;
}

bool
backup_manifest_add(struct backup_manifest *m, int dir, const char *name,
    struct buf *why)
{
	return backup_manifest_add_copy(m, dir, name, -1, why);
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Each entry of a directory below `dir`, until one is refused. */
static bool
each_entry(int dir, const char *name, bool (*each)(void *arg, const char *name),
    void *arg, struct buf *why)
{
	int fd =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	bool good = true;

	if (list == NULL) {
		failed(why, name, "cannot be read");
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (good && (entry = readdir(list)) != NULL)
		if (!is_dots(entry->d_name))
			good = each(arg, entry->d_name);
	closedir(list);
	return good;
}

struct adding {
	struct backup_manifest *m;
	int dir;
	struct buf *why;
};

static bool
add_of_store(void *arg, const char *entry)
{
	struct adding *a = arg;
	char name[PATH_MAX];

	snprintf(name, sizeof(name), STORE "%s", entry);
	return backup_manifest_add(a->m, a->dir, name, a->why);
}

bool
backup_manifest_add_store(struct backup_manifest *m, int dir, struct buf *why)
{
	struct adding a = { m, dir, why };

	return each_entry(dir, "store", add_of_store, &a, why);
}

bool
backup_manifest_write(const struct backup_manifest *m, const char *dir,
    struct buf *why)
{
	char path[PATH_MAX], hash[2 * HASH_BYTES + 1];
	struct json_writer w = { 0 };
	struct buf out;
	bool good;
	size_t i;

	buf_init(&out, TEXT_MAX);
	w.out = &out;
	json_open(&w, '{');
	json_field_int(&w, "format", FORMAT);
	json_field_text(&w, "version", slice_of(GSR_VERSION));
	json_field_text(&w, "mesh", slice_of(m->mesh));
	json_field_text(&w, "member", slice_of(m->member));
	json_field_text(&w, "role",
	    slice_of(m->role == ROLE_NODE ? "node" : "egress"));
	json_field_int(&w, "made_us", m->made_us);
	json_key(&w, "files");
	json_open(&w, '[');
	for (i = 0; i < m->count; i++) {
		hex_write(hash, m->files[i].hash.bytes, HASH_BYTES);
		json_open(&w, '{');
		json_field_text(&w, "name", slice_of(m->files[i].name));
		json_field_int(&w, "bytes", m->files[i].bytes);
		json_field_text(&w, "hash", slice_of(hash));
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	buf_putc(&out, '\n');
	snprintf(path, sizeof(path), "%s/%s", dir, BACKUP_MANIFEST);
	good = !out.failed && file_create(path, 0600, buf_slice(&out));
	if (!good)
		failed(why, path, "cannot be written");
	buf_fini(&out);
	return good;
}

static bool
read_file(struct backup_manifest *m, const struct json_value *v)
{
	char room[JSON_WORD_MAX];
	struct slice name = json_word(json_find(v, "name"), room);
	struct backup_file *f;

	if (!backup_manifest_name_ok(name) || m->count == BACKUP_FILES_MAX)
		return false;
	f = more_room(m);
	*f = (struct backup_file){ .bytes = 0 };
	memcpy(f->name, name.ptr, name.len);
	m->count++;
	return json_int(json_find(v, "bytes"), &f->bytes) &&
	       hex_parse(f->hash.bytes, HASH_BYTES,
		   json_word(json_find(v, "hash"), room));
}

static bool
read_word(const struct json_value *root, const char *key,
    char name[NAME_CHARS_MAX + 1])
{
	char room[JSON_WORD_MAX];
	struct slice word = json_word(json_find(root, key), room);

	if (!is_name(word))
		return false;
	memcpy(name, word.ptr, word.len);
	name[word.len] = '\0';
	return true;
}

static bool
read_root(struct backup_manifest *m, const struct json_value *root,
    struct buf *why)
{
	const struct json_value *files = json_find(root, "files"), *v;
	int64_t format = 0;

	if (json_int(json_find(root, "format"), &format) && format > FORMAT) {
		buf_puts(why,
		    BACKUP_MANIFEST ": was written by a newer version\n");
		return false;
	}
	m->role =
	    json_is(json_find(root, "role"), "node") ? ROLE_NODE : ROLE_EGRESS;
	if (format != FORMAT || !read_word(root, "mesh", m->mesh) ||
	    !read_word(root, "member", m->member) ||
	    !json_int(json_find(root, "made_us"), &m->made_us) ||
	    files == NULL || files->type != JSON_ARRAY)
		goto bad;
	for (v = files->first; v != NULL; v = v->next)
		if (!read_file(m, v))
			goto bad;
	return true;
bad:
	buf_puts(why, BACKUP_MANIFEST ": is not as a backup wrote it\n");
	return false;
}

bool
backup_manifest_read(struct backup_manifest *m, const char *dir,
    struct buf *why)
{
	const struct json_value *root;
	struct json_error error;
	struct arena arena;
	struct slice text;
	char path[PATH_MAX];
	bool good = false;

	*m = (struct backup_manifest){ .count = 0 };
	arena_init(&arena, ARENA_MAX);
	snprintf(path, sizeof(path), "%s/%s", dir, BACKUP_MANIFEST);
	if (file_read(&arena, path, TEXT_MAX, &text) != FILE_FINE) {
		buf_printf(why,
		    "%s cannot be read: is this a backup, and "
		    "was it finished?\n",
		    path);
	} else {
		root = json_parse(&arena, text, &error);
		good = read_root(m, root, why);
	}
	arena_fini(&arena);
	return good;
}

static const struct backup_file *
find_file(const struct backup_manifest *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (strcmp(m->files[i].name, name) == 0)
			return &m->files[i];
	return NULL;
}

struct checking {
	const struct backup_manifest *m;
	const char *before; /* the entry's name */
	struct buf *why;
};

static bool
is_listed(void *arg, const char *entry)
{
	struct checking *c = arg;
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s%s", c->before, entry);
	if (strcmp(name, BACKUP_MANIFEST) == 0 || strcmp(name, "store") == 0 ||
	    find_file(c->m, name) != NULL)
		return true;
	buf_printf(c->why, "%s is not in the manifest: take it away\n", name);
	return false;
}

bool
backup_manifest_check(const struct backup_manifest *m, int dir, int to,
    struct buf *why)
{
	struct checking top = { m, "", why }, store = { m, STORE, why };
	size_t i;

	if (!each_entry(dir, ".", is_listed, &top, why) ||
	    !each_entry(dir, "store", is_listed, &store, why))
		return false;
	for (i = 0; i < m->count; i++) {
		struct backup_file now = m->files[i];

		if (!take_file(dir, to, &now, why))
			return false;
		if (now.bytes != m->files[i].bytes ||
		    memcmp(&now.hash, &m->files[i].hash, HASH_BYTES) != 0) {
			buf_printf(why,
			    "%s is not as it was written: the backup is "
			    "damaged\n",
			    now.name);
			return false;
		}
	}
	return true;
}
