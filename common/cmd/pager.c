#include "common/cmd/pager.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/command.h"
#include "common/base/memory.h"
#include "common/cmd/ask.h"
#include "common/cmd/watch.h"
#include "common/format/json.h"
#include "common/store/page.h"

#define EXIT_USAGE 2
#define TARGET_MAX 8192
#define WHY_MAX    4096
#define VALUES_MAX 64
/* A page, as the longest of the formats has it. */
#define OUT_MAX  ((size_t)256 * 1024 * 1024)
#define PAGE_MAX (PAGE_BYTES_MAX + (size_t)2 * ROW_BYTES_MAX)

/* One command while it runs. */
struct run {
	const struct pager *pager;
	struct wish wish;
	char from[CLOCK_TEXT_BYTES], to[CLOCK_TEXT_BYTES];
	enum listing_format format;
	/* Gets each row; then, for each page, whether more will come. */
	void (*on_row)(struct run *r, const union search_row *row);
	bool (*on_page)(struct run *r, bool more);
	size_t left, count; /* rows to get, and got */
	size_t shown;       /* of those, in text */
	struct listing listing;
	struct buf out;
	struct wish_text *unmet; /* see hint */
	char *values[VALUES_MAX];
	size_t values_count;
};

/* A span is a moment only now: the next page has to mean the same one. */
static const char *
value_of(const struct run *r, const struct pager_word *word)
{
	if (word->value != NULL && strcmp(word->name, "from") == 0)
		return r->from;
	if (word->value != NULL && strcmp(word->name, "to") == 0)
		return r->to;
	return word->value;
}

static bool
read_limit(struct run *r, const char *text)
{
	int64_t number;

	r->left = SEARCH_LIMIT;
	if (text == NULL)
		return true;
	r->left = SIZE_MAX;
	if (strcmp(text, "all") == 0)
		return true;
	if (!json_raw_int(slice_of(text), &number) || number < 0) {
		fprintf(stderr, "--limit is a number of rows, or all\n");
		return false;
	}
	if (number > 0)
		r->left = (size_t)number;
	return true;
}

static bool
read_format(struct run *r)
{
	const struct pager *p = r->pager;

	r->format = p->json ? LISTING_JSON : LISTING_TEXT;
	if (p->format == NULL)
		return true;
	if (p->json || !listing_format_read(slice_of(p->format), &r->format)) {
		fprintf(stderr, "%s\n",
		    p->json ? "--json is --format json: one of them"
			    : LISTING_WANTED);
		return false;
	}
	return true;
}

/* What is wrong is told before anybody is asked. */
static bool
read_wish(struct run *r)
{
	const struct pager_word *word;
	struct buf why;
	bool good = true;

	wish_init(&r->wish, r->pager->kind);
	buf_init(&why, WHY_MAX);
	for (word = r->pager->words; word->name != NULL && good; word++)
		good = word->value == NULL ||
		       wish_take(&r->wish, slice_of(word->name),
			   slice_of(word->value), &why) == WISH_TAKEN;
	if (!good)
		fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	if (r->wish.from_us > 0)
		clock_write(r->wish.from_us, r->from);
	if (r->wish.to_us > 0)
		clock_write(r->wish.to_us, r->to);
	return good && read_limit(r, r->pager->limit) && read_format(r);
}

static void
put_target(const struct run *r, struct slice rest, struct buf *target)
{
	char number[24], before[CURSOR_CHARS];
	const struct pager_word *word;

	buf_puts(target, r->pager->path);
	ask_argument(target, "format", "rows");
	snprintf(number, sizeof(number), "%zu",
	    min_size(r->left, PAGE_ROWS_MAX));
	ask_argument(target, "limit", number);
	for (word = r->pager->words; word->name != NULL; word++)
		if (rest.len == 0 || strcmp(word->name, "before") != 0)
			ask_argument(target, word->name, value_of(r, word));
	if (rest.len == 0 || rest.len >= sizeof(before))
		return;
	memcpy(before, rest.ptr, rest.len);
	before[rest.len] = '\0';
	ask_argument(target, "before", before);
}

/* One page; `rest` is how to go on, empty at the end. */
static enum asked
take_page(struct run *r, struct buf *answer, struct slice *rest)
{
	const union search_row *row;
	struct buf target;
	struct page page;
	enum asked asked;

	buf_init(&target, TARGET_MAX);
	put_target(r, *rest, &target);
	buf_reset(answer);
	asked = ask_bytes(r->pager->state, buf_text(&target), answer);
	buf_fini(&target);
	if (asked != ASKED_OK)
		return asked;
	page_open(&page, r->pager->kind, buf_slice(answer));
	while (r->left > 0 && (row = page_next(&page)) != NULL) {
		r->on_row(r, row);
		r->count++;
		r->left--;
	}
	if (r->left > 0 && !page.whole) {
		fprintf(stderr, "the daemon's rows are not of this version\n");
		return ASKED_BROKEN;
	}
	*rest = r->left > 0 ? page.rest : slice_make(NULL, 0);
	return ASKED_OK;
}

/* ASKED_NOBODY: nothing was asked yet, and no daemon is there. */
static enum asked
from_daemon(struct run *r)
{
	struct slice rest = { NULL, 0 };
	char next[CURSOR_CHARS];
	struct buf answer;
	enum asked asked;
	bool first = true;

	buf_init(&answer, PAGE_MAX);
	do {
		asked = take_page(r, &answer, &rest);
		if (asked == ASKED_NOBODY && !first) {
			fprintf(stderr,
			    "the daemon ended; older rows are missing\n");
			asked = ASKED_BROKEN;
		}
		if (asked != ASKED_OK)
			break;
		first = false;
		rest.len = min_size(rest.len, sizeof(next));
		if (rest.len > 0)
			memcpy(next, rest.ptr, rest.len);
		rest.ptr = next;
		if (!r->on_page(r, rest.len > 0))
			asked = ASKED_BROKEN;
	} while (asked == ASKED_OK && rest.len > 0);
	buf_fini(&answer);
	return asked;
}

/* Without a daemon: the store itself, flushed as often as pages are. */
static bool
from_store(struct run *r)
{
	struct ledger *l = ask_store(r->pager->state);
	const union search_row *row;
	bool good = true, failed;
	struct search *s;

	if (l == NULL)
		return false;
	r->wish.limit = r->left;
	r->wish.rows_max = SIZE_MAX;
	s = search_new(l, &r->wish);
	while (good && (row = search_next(s, NULL)) != NULL) {
		r->on_row(r, row);
		if (++r->count % PAGE_ROWS_MAX == 0)
			good = r->on_page(r, true);
	}
	failed = search_failed(s);
	search_free(s);
	ledger_close(l);
	if (failed)
		fprintf(stderr, "the store could not be read to its end\n");
	return good && !failed && r->on_page(r, false);
}

static bool
gather(struct run *r)
{
	enum asked asked = from_daemon(r);

	if (asked == ASKED_NOBODY)
		return from_store(r);
	return asked == ASKED_OK;
}

static void
show_row(struct run *r, const union search_row *row)
{
	listing_put(&r->listing, row);
}

static bool
show_page(struct run *r, bool more)
{
	bool good;

	/* Columns are made of many rows: pages may have few that pass. */
	if (more && r->count - r->shown >= PAGE_ROWS_MAX) {
		listing_flush(&r->listing);
		r->shown = r->count;
	} else if (!more) {
		listing_close(&r->listing);
	}
	good = !r->out.failed &&
	       fwrite(r->out.data, 1, r->out.len, stdout) == r->out.len;
	buf_reset(&r->out);
	return good;
}

static void
note_value(struct run *r, const union search_row *row)
{
	struct slice text;
	size_t i;

	memcpy(&text, (const char *)row + r->unmet->column->offset,
	    sizeof(text));
	for (i = 0; i < r->values_count; i++)
		if (slice_is(text, r->values[i]))
			return;
	if (text.len > 0 && r->values_count < VALUES_MAX)
		r->values[r->values_count++] = xstrndup(text.ptr, text.len);
}

static bool
note_page(struct run *r, bool more)
{
	(void)r;
	(void)more;
	return true;
}

/* No row passed: is it for a word that none of the newest has? */
static void
hint(const struct run *shown, struct wish_text *unmet)
{
	const struct pager any = { .state = shown->pager->state,
		.path = shown->pager->path,
		.kind = shown->pager->kind };
	struct run r = { .pager = &any,
		.on_row = note_value,
		.on_page = note_page,
		.left = PAGE_ROWS_MAX,
		.unmet = unmet };
	const char *near = NULL;
	size_t i;

	wish_init(&r.wish, any.kind);
	if (gather(&r))
		near = nearest_word(unmet->wanted,
		    (const char *const *)r.values, r.values_count);
	for (i = 0; i < r.values_count; i++)
		if (slice_is(unmet->wanted, r.values[i]))
			near = NULL;
	if (near != NULL)
		fprintf(stderr, "nothing has %s '%.*s' here; is it '%s'?\n",
		    unmet->column->name, SLICE_FMT(unmet->wanted), near);
	for (i = 0; i < r.values_count; i++)
		free(r.values[i]);
}

static int
draw(const void *arg)
{
	struct run r = { .pager = arg,
		.on_row = show_row,
		.on_page = show_page };
	bool good;
	size_t i;

	if (!read_wish(&r))
		return EXIT_USAGE;
	buf_init(&r.out, OUT_MAX);
	listing_open(&r.listing, r.pager->kind, r.format, &r.out);
	good = gather(&r);
	listing_drop(&r.listing);
	buf_fini(&r.out);
	for (i = 0; good && r.count == 0 && i < r.wish.texts_count; i++)
		hint(&r, &r.wish.texts[i]);
	return good ? 0 : 1;
}

int
pager_run(const struct pager *p)
{
	return p->watch ? watch(draw, p) : draw(p);
}
