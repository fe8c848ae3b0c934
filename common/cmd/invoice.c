#include "common/cmd/invoice.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/cmd/rows.h"
#include "common/invoice/finding.h"
#include "common/invoice/layout.h"
#include "common/limit/calendar.h"

#define WHY_MAX       (64 * 1024)
#define OUT_MAX       ((size_t)64 * 1024 * 1024)
#define READ_BYTES    65536
#define PROVIDERS_MAX 64
#define NAME_BYTES    64
#define LAYOUTS_BYTES 256

/* Of one run. */
struct run {
	const struct invoice_options *options;
	struct aliases aliases;
	struct invoice invoice;
	struct hash hashes[OPTION_LIST_MAX];
	char layouts[LAYOUTS_BYTES];
	const char *vendor; /* "" when the files are anybody's */
	struct rows *rows;
	/* Ours that were called in these days. */
	char providers[PROVIDERS_MAX][NAME_BYTES];
	size_t providers_count;
	struct bookings bookings;
};

static bool
read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	uint8_t *room;
	size_t n = 1;
	bool good = f != NULL;

	while (good && n > 0) {
		room = buf_room(out, READ_BYTES);
		if (room == NULL) {
			fprintf(stderr,
			    "%s: larger than %u MiB: export fewer days\n", path,
			    INVOICE_BYTES_MAX >> 20);
			fclose(f);
			return false;
		}
		n = fread(room, 1, READ_BYTES, f);
		buf_grow(out, n);
		good = !ferror(f);
	}
	if (!good)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (f != NULL)
		fclose(f);
	return good;
}

/* One file given twice would count twice. */
static bool
is_new(struct run *r, size_t which, const struct buf *bytes)
{
	const struct option_list *files = &r->options->files;
	size_t i;

	r->hashes[which] = hash_of(bytes->data, bytes->len);
	for (i = 0; i < which; i++)
		if (memcmp(&r->hashes[i], &r->hashes[which],
			sizeof(r->hashes[i])) == 0) {
			fprintf(stderr, "%s and %s are the same file\n",
			    files->items[i], files->items[which]);
			return false;
		}
	return true;
}

static bool
note_taken(struct run *r, const char *path, const struct taken *taken)
{
	size_t len = strlen(r->layouts);

	if (taken->vendor[0] != '\0' && r->vendor[0] != '\0' &&
	    strcmp(taken->vendor, r->vendor) != 0) {
		fprintf(stderr,
		    "%s is %s's, those before are %s's: one provider at a "
		    "time\n",
		    path, taken->vendor, r->vendor);
		return false;
	}
	if (taken->vendor[0] != '\0')
		r->vendor = taken->vendor;
	if (strstr(r->layouts, taken->layout) == NULL)
		snprintf(r->layouts + len, LAYOUTS_BYTES - len, "%s%s",
		    len > 0 ? " + " : "", taken->layout);
	return true;
}

static bool
take_file(struct run *r, size_t which)
{
	const char *path = r->options->files.items[which];
	struct taken taken;
	struct buf bytes, why;
	bool good;

	buf_init(&bytes, INVOICE_BYTES_MAX);
	buf_init(&why, WHY_MAX);
	good = read_file(path, &bytes) && is_new(r, which, &bytes);
	if (good) {
		good = invoice_take(&r->invoice, (char *)bytes.data, bytes.len,
		    &taken, &why);
		if (!good)
			fprintf(stderr, "%s: %s\n", path, buf_text(&why));
		else
			good = note_taken(r, path, &taken);
	}
	buf_fini(&bytes);
	buf_fini(&why);
	return good;
}

static bool
take_day(const char *name, const char *text, int64_t *day)
{
	if (text == NULL || layout_day(slice_of(text), day))
		return true;
	fprintf(stderr, "--%s: '%s' is no day: write 2026-11-01\n", name, text);
	return false;
}

/* Which days are compared: the invoice's, or those that were asked for. */
static bool
take_days(struct run *r)
{
	struct invoice *i = &r->invoice;
	int64_t end = i->last_day + 1;

	if (!i->has_days) {
		fprintf(stderr, "the invoice has no days in it\n");
		return false;
	}
	if (!take_day("from", r->options->from, &i->first_day) ||
	    !take_day("to", r->options->to, &end))
		return false;
	i->last_day = end - 1;
	if (i->last_day < i->first_day) {
		fprintf(stderr, "there is no day from --from to --to\n");
		return false;
	}
	if (calendar_day_us(end) > clock_wall_us())
		fprintf(stderr, "the last day is not over yet: what the "
				"provider does not tell yet looks as if it "
				"were not invoiced\n");
	return true;
}

static bool
tells_anything(const struct invoice *i)
{
	enum quantity q;

	for (q = 0; q < QUANTITIES; q++)
		if (i->has[q])
			return true;
	fprintf(stderr, "nothing was used, as the invoice says, in buckets "
			"without a result: there is nothing to compare\n");
	return false;
}

static bool
take_files(struct run *r)
{
	const struct invoice_options *o = r->options;
	struct buf why;
	bool good = true;
	size_t i;

	buf_init(&why, WHY_MAX);
	for (i = 0; good && i < o->same.count; i++)
		good = alias_add(&r->aliases, slice_of(o->same.items[i]), &why);
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	for (i = 0; good && i < o->files.count; i++)
		good = take_file(r, i);
	if (!good || !take_days(r) || !tells_anything(&r->invoice))
		return false;
	if (r->invoice.more)
		fprintf(stderr, "the last page says that there are more "
				"(has_more): give them, too\n");
	if (invoice_settle(&r->invoice))
		return true;
	fprintf(stderr, "the invoice has more days and models than are "
			"compared, or sums larger than can be\n");
	return false;
}

/* Which of our providers were called then. */
static void
see_provider(void *arg, const struct attempt_row *row,
    const struct price *price)
{
	struct run *r = arg;
	const char *slash = memchr(row->target.ptr, '/', row->target.len);
	struct slice name;
	size_t i;

	(void)price;
	if (slash == NULL || !booking_is_own(&r->bookings, row))
		return;
	name = slice_make(row->target.ptr, (size_t)(slash - row->target.ptr));
	for (i = 0; i < r->providers_count; i++)
		if (slice_is(name, r->providers[i]))
			return;
	if (name.len >= NAME_BYTES || r->providers_count == PROVIDERS_MAX)
		return;
	memcpy(r->providers[r->providers_count++], name.ptr, name.len);
}

static bool
has_provider(const struct run *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->providers_count; i++)
		if (strcmp(r->providers[i], name) == 0)
			return true;
	return false;
}

/* NULL: said that it has to be told. */
static const char *
choose_provider(const struct run *r)
{
	size_t i;

	if (r->options->provider != NULL)
		return r->options->provider;
	if (has_provider(r, r->vendor))
		return r->vendor;
	if (r->providers_count == 1)
		return r->providers[0];
	if (r->providers_count == 0 && r->vendor[0] != '\0')
		return r->vendor; /* of which there is nothing */
	fprintf(stderr, "--provider NAME: whose invoice it is; of those days "
			"the ledger has");
	for (i = 0; i < r->providers_count; i++)
		fprintf(stderr, " %s", r->providers[i]);
	fprintf(stderr, "%s\n", r->providers_count == 0 ? " none" : "");
	return NULL;
}

static void
book_row(void *arg, const struct attempt_row *row, const struct price *price)
{
	struct bookings *b = arg;

	if (booking_is_wanted(b, row))
		booking_take(b, row, price);
}

static bool
book_rows(struct run *r)
{
	struct bookings *b = &r->bookings;
	int64_t from, to;
	const char *provider;

	bookings_init(b, &r->invoice, slice_make("", 0), rows_member(r->rows));
	from = bookings_from_us(b);
	to = bookings_to_us(b);
	if (!rows_cover(r->rows, calendar_day_us(b->first_day),
		calendar_day_us(b->last_day + 1)))
		return false;
	if (r->options->provider == NULL &&
	    !rows_each(r->rows, from, to, see_provider, r))
		return false;
	provider = choose_provider(r);
	if (provider == NULL)
		return false;
	b->provider = slice_of(provider);
	if (!rows_each(r->rows, from, to, book_row, b))
		return false;
	if (b->full)
		fprintf(stderr, "the ledger has more days and models than are "
				"compared: ask for fewer days\n");
	return !b->full;
}

static int
tell(struct run *r)
{
	struct balance balance;
	struct buf out;
	const struct finding finding = {
		.balance = &balance,
		.bookings = &r->bookings,
		.layouts = r->layouts,
	};

	if (!balance_run(&r->bookings, &balance)) {
		fprintf(stderr, "the sums are larger than can be\n");
		return 1;
	}
	buf_init(&out, OUT_MAX);
	if (r->options->json)
		finding_json(&out, &finding);
	else
		finding_text(&out, &finding);
	if (out.failed)
		fprintf(stderr, "that is more than is shown: ask for fewer "
				"days\n");
	fwrite(out.data, 1, out.failed ? 0 : out.len, stdout);
	if (out.failed)
		balance.explained = false;
	buf_fini(&out);
	return balance.explained ? 0 : 1;
}

static int
compare(struct run *r)
{
	const struct invoice_options *o = r->options;
	int status = 1;

	r->rows = o->export != NULL
		      ? rows_of_export(o->export, o->topology, o->operator_key)
		      : rows_of_store(o->state);
	if (r->rows == NULL)
		return 1;
	if (book_rows(r))
		status = tell(r);
	bookings_fini(&r->bookings);
	rows_close(r->rows);
	return status;
}

int
invoice_run(const struct invoice_options *o)
{
	struct run r = { .options = o, .vendor = "" };
	int status = 1;

	if ((o->state == NULL) == (o->export == NULL)) {
		fprintf(stderr,
		    "say which ledger the invoice is held against: --state "
		    "DIR, a member's, or --export DIR, what ledger export "
		    "wrote\n");
		return 2;
	}
	r.invoice.cells = cells_new(&r.aliases);
	if (take_files(&r))
		status = compare(&r);
	cells_free(r.invoice.cells);
	return status;
}
