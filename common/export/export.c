#include "common/export/export.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/store/ledger.h"

#define STEP_BYTES (1u << 20)
#define READ_BYTES (64u << 10)
/* A daemon beside us may take away files that we have not opened yet. */
#define REOPENS 8

struct export
{
	const struct export_wish *wish;
	struct manifest *manifest;
	struct buf *why;
	struct ledger *ledger;
	struct buf lines;
	size_t step_bytes;
	/* The file being written. */
	enum export_kind kind;
	struct manifest_file *file;
	int fd;
	struct hashing hashing;
	bool stopped;
};

static bool
complain(struct export *x, const char *name, const char *what)
{
	buf_printf(x->why, "%s/%s: %s\n", x->wish->out_dir, name, what);
	return false;
}

static bool
save(struct export *x)
{
	if (manifest_save(x->manifest, x->wish->out_dir))
		return true;
	return complain(x, MANIFEST_NAME, strerror(errno));
}

static bool
write_all(int fd, const struct buf *b)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->len) {
		n = write(fd, b->data + done, b->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* The lines so far go to the file, and the manifest says so. */
static bool
step(struct export *x)
{
	struct hashing so_far;

	if (!write_all(x->fd, &x->lines))
		return complain(x, kind_name(x->kind), strerror(errno));
	hashing_add(&x->hashing, x->lines.data, x->lines.len);
	so_far = x->hashing;
	x->file->hash = hashing_done(&so_far);
	x->file->bytes += (int64_t)x->lines.len;
	buf_reset(&x->lines);
	if (!save(x))
		return false;
	if (x->wish->step != NULL)
		x->stopped =
		    !x->wish->step(x->wish->arg, x->kind, x->file->rows);
	return !x->stopped;
}

static bool
is_wanted(const struct export *x, struct slice key, struct slice value)
{
	const struct manifest *m = x->manifest;
	int64_t us;

	if (kind_is_timed(x->kind) || (m->from == 0 && m->to == 0))
		return true; /* the scan has the bounds */
	us = kind_time_us(x->kind, key, value);
	return us < 0 || (us >= m->from && (m->to == 0 || us < m->to));
}

static bool
put(struct export *x, struct slice key, struct slice value)
{
	if (!is_wanted(x, key, value))
		return true;
	if (key.len > EXPORT_KEY_MAX) {
		x->file->damaged++;
		return true;
	}
	switch (
	    kind_line(x->kind, x->manifest->encoding, key, value, &x->lines)) {
	case LINE_DAMAGED:
		x->file->damaged++;
		break;
	case LINE_PUT:
		x->file->rows++;
		break;
	case LINE_LEFT_OUT:
		break;
	}
	assert(!x->lines.failed);
	memcpy(x->file->last_key, key.ptr, key.len);
	x->file->last_key_len = key.len;
	return x->lines.len < x->step_bytes || step(x);
}

/* The key that comes directly behind the last one. */
static struct slice
next_key(const struct manifest_file *f, uint8_t room[EXPORT_KEY_MAX + 1])
{
	memcpy(room, f->last_key, f->last_key_len);
	room[f->last_key_len] = 0;
	return slice_make(room, f->last_key_len + 1);
}

static struct slice
bound(int64_t wall_us, struct id *id)
{
	if (wall_us <= 0)
		return slice_make(NULL, 0);
	*id = id_at(wall_us);
	return slice_make(id->bytes, ID_BYTES);
}

static struct db_scan *
scan_new(struct export *x)
{
	uint8_t next[EXPORT_KEY_MAX + 1];
	struct id from_id, to_id;
	struct slice from, to;

	kind_bounds(x->kind, &from, &to);
	if (kind_is_timed(x->kind)) {
		from = bound(x->manifest->from, &from_id);
		/* What comes while we are at it is another export's. */
		to = bound(x->manifest->to > 0 ? x->manifest->to
					       : x->manifest->as_of,
		    &to_id);
	}
	if (x->file->last_key_len > 0)
		from = next_key(x->file, next);
	return db_scan_new(ledger_db(x->ledger), kind_family(x->kind), from, to,
	    false);
}

/* False when it was stopped, or cannot be written. */
static bool
scan_once(struct export *x, bool *whole)
{
	struct db_scan *scan = scan_new(x);
	struct slice key, value;
	bool good = true;

	while (good && db_scan_next(scan, &key, &value))
		good = put(x, key, value);
	*whole = !db_scan_failed(scan);
	db_scan_free(scan);
	return good;
}

static bool
open_store(struct export *x)
{
	ledger_close(x->ledger);
	x->ledger = ledger_open(x->wish->state_dir, true);
	if (x->ledger != NULL)
		return true;
	buf_printf(x->why,
	    "there is no store in %s/store; is --state right, and did it ever "
	    "serve?\n",
	    x->wish->state_dir);
	return false;
}

static bool
scan_all(struct export *x)
{
	bool whole = false;
	int left;

	for (left = REOPENS; left > 0; left--) {
		int64_t rows = x->file->rows;

		if (!scan_once(x, &whole))
			return false;
		if (whole)
			return true;
		if (x->file->rows > rows)
			left = REOPENS + 1;
		if (!open_store(x))
			return false;
	}
	return complain(x, kind_name(x->kind),
	    "the store could not be read to its end");
}

/* Cut what the manifest does not know of, and hash what it does. */
static bool
take_up(struct export *x)
{
	int64_t left = x->file->bytes;
	uint8_t bytes[READ_BYTES];
	struct stat st;
	ssize_t n = 1;

	if (fstat(x->fd, &st) < 0 || st.st_size < left)
		return complain(x, kind_name(x->kind),
		    "it is shorter than the manifest says: begin anew in an "
		    "empty folder");
	while (left > 0 && n > 0) {
		n = read(x->fd, bytes,
		    min_size(sizeof(bytes), (size_t)max_i64(left, 0)));
		if (n > 0)
			hashing_add(&x->hashing, bytes, (size_t)n);
		left -= n;
	}
	if (n > 0 && ftruncate(x->fd, x->file->bytes) == 0 &&
	    lseek(x->fd, 0, SEEK_END) >= 0)
		return true;
	return complain(x, kind_name(x->kind), strerror(errno));
}

static bool
open_file(struct export *x)
{
	char path[EXPORT_PATH_MAX], name[EXPORT_NAME_BYTES];

	kind_file(x->kind, x->manifest->encoding, name);
	manifest_path(path, x->wish->out_dir, name);
	x->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (x->fd < 0)
		return complain(x, name, strerror(errno));
	hashing_init(&x->hashing);
	if (!take_up(x))
		return false;
	buf_reset(&x->lines);
	if (x->file->bytes == 0)
		kind_head(x->kind, x->manifest->encoding, &x->lines);
	return true;
}

static bool
export_kind(struct export *x, enum export_kind k)
{
	bool good;

	x->kind = k;
	x->file = &x->manifest->files[k];
	good = open_file(x) && scan_all(x);
	if (good) {
		x->file->whole = true;
		good = step(x) && fsync(x->fd) == 0;
	}
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
	return good;
}

static bool
begin(struct export *x)
{
	const struct export_wish *wish = x->wish;
	struct manifest *m = x->manifest;
	enum export_kind k;

	*m = (struct manifest){
		.encoding = wish->encoding,
		.as_of = clock_wall_us(),
		.from = wish->from,
		.to = wish->to,
	};
	snprintf(m->member, sizeof(m->member), "%s", wish->member);
	snprintf(m->mesh, sizeof(m->mesh), "%s", wish->mesh);
	for (k = 0; k < EXPORT_KINDS; k++)
		m->files[k].wanted = wish->kinds[k];
	return save(x);
}

/* A manifest that is there, or a new one; false: said why. */
static bool
find_manifest(struct export *x)
{
	const struct export_wish *wish = x->wish;

	if (mkdir(wish->out_dir, 0700) < 0 && errno != EEXIST)
		return complain(x, "", strerror(errno));
	switch (manifest_load(x->manifest, wish->out_dir, x->why)) {
	case MANIFEST_NONE:
		buf_reset(x->why);
		return begin(x);
	case MANIFEST_BAD:
		return false;
	case MANIFEST_READ:
		break;
	}
	if (!wish->resume)
		return complain(x, MANIFEST_NAME,
		    "there is an export already: go on with --resume, or "
		    "name another folder");
	if (strcmp(x->manifest->member, wish->member) != 0 ||
	    strcmp(x->manifest->mesh, wish->mesh) != 0)
		return complain(x, MANIFEST_NAME,
		    "it is of another member: name another folder");
	return true;
}

static bool
finish(struct export *x)
{
	x->manifest->whole = true;
	if (!save(x))
		return false;
	if (manifest_sign(x->wish->out_dir, x->wish->key))
		return true;
	return complain(x, MANIFEST_SIGNED, strerror(errno));
}

enum export_end
export_run(const struct export_wish *wish, struct manifest *m, struct buf *why)
{
	struct export x = { .wish = wish, .manifest = m, .why = why, .fd = -1 };
	bool good = find_manifest(&x) && open_store(&x);
	enum export_kind k;

	x.step_bytes = wish->step_bytes > 0 ? wish->step_bytes : STEP_BYTES;
	buf_init(&x.lines, x.step_bytes + EXPORT_LINE_MAX);
	for (k = 0; good && k < EXPORT_KINDS; k++)
		if (m->files[k].wanted && !m->files[k].whole)
			good = export_kind(&x, k);
	good = good && finish(&x);
	buf_fini(&x.lines);
	ledger_close(x.ledger);
	if (good)
		return EXPORT_WHOLE;
	return x.stopped ? EXPORT_STOPPED : EXPORT_FAILED;
}
