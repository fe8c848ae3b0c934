#include "common/export/intake.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"

#define LINES_MAX (16u << 20) /* of a page */

struct intake {
	struct intake_wish wish;
	struct manifest manifest;
	enum export_kind kind; /* what comes next */
	int fd;                /* of its file */
	struct hashing hashing;
	struct buf lines;
	int64_t rows, damaged;
};

static bool
complain(const struct intake *i, struct buf *why, const char *what)
{
	buf_printf(why, "%s: %s\n", i->wish.dir, what);
	return false;
}

static bool
open_file(struct intake *i, struct buf *why)
{
	char path[EXPORT_PATH_MAX], name[EXPORT_NAME_BYTES];

	kind_file(i->kind, EXPORT_JSONL, name);
	manifest_path(path, i->wish.dir, name);
	i->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	hashing_init(&i->hashing);
	return i->fd >= 0 || complain(i, why, strerror(errno));
}

/* The kind is whole; to the next one. */
static bool
next_kind(struct intake *i, struct buf *why)
{
	if (i->fd >= 0) {
		i->manifest.files[i->kind].hash = hashing_done(&i->hashing);
		i->manifest.files[i->kind].whole = true;
		close(i->fd);
		i->fd = -1;
		i->kind++;
	}
	while (i->kind < EXPORT_KINDS && !extract_has(i->kind))
		i->kind++;
	return i->kind == EXPORT_KINDS || open_file(i, why);
}

struct intake *
intake_new(const struct intake_wish *w, struct buf *why)
{
	struct intake *i = xcalloc(1, sizeof(*i));
	enum export_kind k;

	i->wish = *w;
	i->fd = -1;
	buf_init(&i->lines, LINES_MAX);
	i->manifest = (struct manifest){ .encoding = EXPORT_JSONL,
		.from = w->from,
		.to = w->to };
	snprintf(i->manifest.member, MEMBER_NAME_MAX, "%s", w->member);
	snprintf(i->manifest.mesh, MEMBER_NAME_MAX, "%s", w->mesh);
	for (k = 0; k < EXPORT_KINDS; k++)
		i->manifest.files[k].wanted = extract_has(k);
	if ((mkdir(w->dir, 0700) == 0 || errno == EEXIST ||
		complain(i, why, strerror(errno))) &&
	    next_kind(i, why))
		return i;
	intake_free(i);
	return NULL;
}

void
intake_free(struct intake *i)
{
	if (i == NULL)
		return;
	if (i->fd >= 0)
		close(i->fd);
	buf_fini(&i->lines);
	free(i);
}

/* What came while it was read is of another time: as with an export. */
static int64_t
end_of(const struct intake *i)
{
	if (!kind_is_timed(i->kind) || i->manifest.to > 0)
		return i->manifest.to;
	return i->manifest.as_of;
}

bool
intake_ask(const struct intake *i, struct extract_ask *a)
{
	const struct manifest_file *f;

	if (i->kind == EXPORT_KINDS)
		return false;
	f = &i->manifest.files[i->kind];
	*a = (struct extract_ask){
		.kind = i->kind,
		.from = i->manifest.from,
		.to = end_of(i),
		.after = slice_make(f->last_key, f->last_key_len),
	};
	return true;
}

static bool
is_behind(struct slice key, const struct manifest_file *f)
{
	size_t n = min_size(key.len, f->last_key_len);
	int order = n > 0 ? memcmp(key.ptr, f->last_key, n) : 0;

	return order > 0 || (order == 0 && key.len > f->last_key_len);
}

/* Open attempts come as their rows. */
static enum export_kind
form_of(enum export_kind k)
{
	return k == EXPORT_OPEN ? EXPORT_ATTEMPT : k;
}

static bool
put_entries(struct intake *i, struct extract_page *p, struct buf *why)
{
	struct manifest_file *f = &i->manifest.files[i->kind];
	struct slice key, value;

	while (extract_next(p, &key, &value)) {
		if (!is_behind(key, f))
			return complain(i, why,
			    "what came is not in order: the egress is not "
			    "what it says, or the store of it is damaged");
		memcpy(f->last_key, key.ptr, key.len);
		f->last_key_len = key.len;
		if (kind_line(form_of(i->kind), EXPORT_JSONL, key, value,
			&i->lines) == LINE_PUT)
			f->rows++;
		else
			f->damaged++;
		if (i->lines.failed)
			return complain(i, why, "a page is too large");
	}
	f->damaged += p->damaged;
	return !p->entries.failed || complain(i, why, "a page is broken");
}

static bool
write_lines(struct intake *i, struct buf *why)
{
	struct manifest_file *f = &i->manifest.files[i->kind];
	size_t done = 0;
	ssize_t n;

	while (done < i->lines.len) {
		n = write(i->fd, i->lines.data + done, i->lines.len - done);
		if (n < 0 && errno != EINTR)
			return complain(i, why, strerror(errno));
		done += (size_t)(n > 0 ? n : 0);
	}
	hashing_add(&i->hashing, i->lines.data, i->lines.len);
	f->bytes += (int64_t)i->lines.len;
	return true;
}

bool
intake_take(struct intake *i, struct slice page, struct buf *why)
{
	struct manifest_file *f = &i->manifest.files[i->kind];
	struct extract_page p;
	int64_t rows = f->rows, damaged = f->damaged;

	assert(i->kind < EXPORT_KINDS);
	if (!extract_page_read(&p, page) || p.end != EXTRACT_GIVEN)
		return complain(i, why,
		    "what came is no page: update node and egress");
	if (i->manifest.as_of == 0)
		i->manifest.as_of = p.as_of;
	buf_reset(&i->lines);
	if (!put_entries(i, &p, why) || !write_lines(i, why))
		return false;
	i->rows += f->rows - rows;
	i->damaged += f->damaged - damaged;
	return p.more || next_kind(i, why);
}

int64_t
intake_rows(const struct intake *i)
{
	return i->rows;
}

int64_t
intake_damaged(const struct intake *i)
{
	return i->damaged;
}

bool
intake_finish(struct intake *i, struct buf *why)
{
	assert(i->kind == EXPORT_KINDS);
	i->manifest.whole = true;
	return manifest_save(&i->manifest, i->wish.dir) ||
	       complain(i, why, strerror(errno));
}
