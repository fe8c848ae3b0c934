#include "common/export/bundle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_BYTES (EXPORT_PATH_MAX + 256)

static bool
open_sheet(struct bundle *b, enum export_kind k, struct buf *why)
{
	char path[EXPORT_PATH_MAX], name[EXPORT_NAME_BYTES];

	kind_file(k, EXPORT_JSONL, name);
	manifest_path(path, b->dir, name);
	if (tape_open(&b->tapes[k], path))
		return true;
	buf_printf(why, "%s: %s\n", path, strerror(errno));
	return false;
}

bool
bundle_open(struct bundle *b, const char *dir, struct buf *why)
{
	enum export_kind k;
	bool good;

	memset(b, 0, sizeof(*b));
	b->dir = dir;
	if (manifest_load(&b->manifest, dir, why) != MANIFEST_READ)
		return false;
	good = b->manifest.whole && b->manifest.encoding == EXPORT_JSONL;
	if (!b->manifest.whole)
		buf_printf(why,
		    "%s: the export is not whole: finish it with ledger "
		    "export --resume\n",
		    dir);
	else if (!good)
		buf_printf(why,
		    "%s: it is CSV: export it as JSONL, which has what was "
		    "signed\n",
		    dir);
	for (k = 0; good && k < EXPORT_KINDS; k++)
		if (b->manifest.files[k].wanted)
			good = open_sheet(b, k, why);
	if (!good)
		bundle_close(b);
	return good;
}

void
bundle_close(struct bundle *b)
{
	enum export_kind k;

	for (k = 0; k < EXPORT_KINDS; k++)
		tape_close(&b->tapes[k]);
}

bool
bundle_is_window(const struct bundle *b)
{
	return b->manifest.from > 0 || b->manifest.to > 0;
}

struct check {
	const struct bundle *bundle;
	void (*finding)(void *arg, const char *line);
	void *arg;
	size_t faults;
};

static void like_printf(2, 3) fault(struct check *c, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list args;
	int at;

	c->faults++;
	if (c->finding == NULL)
		return;
	at = snprintf(line, sizeof(line), "%s: ", c->bundle->dir);
	va_start(args, fmt);
	vsnprintf(line + at, sizeof(line) - (size_t)at, fmt, args);
	va_end(args);
	c->finding(c->arg, line);
}

static void
check_file(struct check *c, enum export_kind k)
{
	const struct manifest_file *f = &c->bundle->manifest.files[k];
	const struct tape *s = &c->bundle->tapes[k];
	struct hash hash = hash_of(s->bytes != NULL ? s->bytes : "", s->len);
	char name[EXPORT_NAME_BYTES];

	kind_file(k, EXPORT_JSONL, name);
	if (memcmp(&hash, &f->hash, sizeof(hash)) != 0)
		fault(c, "%s was changed after the export was signed", name);
	if (f->damaged > 0)
		fault(c,
		    "%s: %lld entries of the store could not be read when it "
		    "was written",
		    name, (long long)f->damaged);
}

size_t
bundle_check(const struct bundle *b, const struct public_key *keys,
    size_t count, void (*finding)(void *arg, const char *line), void *arg)
{
	struct check c = { .bundle = b, .finding = finding, .arg = arg };
	enum export_kind k;

	if (count == 0)
		fault(&c, "no key is known for '%s'", b->manifest.member);
	else if (!manifest_is_signed(b->dir, keys, count))
		fault(&c,
		    "the manifest is not signed by '%s', or was changed "
		    "afterwards",
		    b->manifest.member);
	for (k = 0; k < EXPORT_KINDS; k++)
		if (b->manifest.files[k].wanted)
			check_file(&c, k);
	return c.faults;
}
