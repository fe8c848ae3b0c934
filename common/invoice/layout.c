#include "common/invoice/layout.h"

#include "common/base/buf.h"
#include "common/format/moment.h"
#include "common/format/record.h"
#include "common/invoice/amount.h"
#include "common/invoice/interval.h"
#include "common/limit/calendar.h"

#define COUNT_MAX    INT64_C(1000000000000000)
#define DAY_CHARS    10 /* 2026-11-26 */
#define DAY_S        INT64_C(86400)
#define SECONDS_MAX  INT64_C(253402300799) /* of the year 9999 */
#define COLUMNS_MAX  12
#define HEADER_BYTES 64
#define US_A_SECOND  INT64_C(1000000)

/* What a column holds. */
enum field {
	FIELD_NONE,
	FIELD_DAY,   /* a date */
	FIELD_START, /* seconds since 1970 */
	FIELD_END,   /* likewise: buckets are not wider than a day */
	FIELD_MODEL,
	FIELD_ITEM, /* "model, what of it" */
	FIELD_REQUESTS,
	FIELD_INPUT,     /* neither read from a cache nor written to it */
	FIELD_ALL_INPUT, /* cached and written, too */
	FIELD_CACHE_READ,
	FIELD_CACHE_WRITE,
	FIELD_CACHE_WRITE_1H,
	FIELD_OUTPUT,
	FIELD_SEARCHES,
	FIELD_USD,
	FIELD_CURRENCY
};

struct known_column {
	const char *name;
	enum field field;
	bool needed; /* it tells the layout */
};

static const struct layout {
	const char *name, *vendor;
	struct known_column columns[COLUMNS_MAX];
} layouts[] = {
	{ "OpenAI usage (CSV)", "openai",
	    {
		{ "start_time", FIELD_START, true },
		{ "end_time", FIELD_END, false },
		{ "model", FIELD_MODEL, true },
		{ "num_model_requests", FIELD_REQUESTS, true },
		{ "input_tokens", FIELD_ALL_INPUT, true },
		{ "input_cached_tokens", FIELD_CACHE_READ, false },
		{ "input_cache_write_tokens", FIELD_CACHE_WRITE, false },
		{ "output_tokens", FIELD_OUTPUT, true },
	    } },
	{ "OpenAI costs (CSV)", "openai",
	    {
		{ "start_time", FIELD_START, true },
		{ "end_time", FIELD_END, false },
		{ "amount_value", FIELD_USD, true },
		{ "amount_currency", FIELD_CURRENCY, false },
		{ "line_item", FIELD_ITEM, false },
	    } },
	{ "Anthropic usage (CSV)", "anthropic",
	    {
		{ "usage_date_utc", FIELD_DAY, true },
		{ "model_version", FIELD_MODEL, true },
		{ "usage_input_tokens_no_cache", FIELD_INPUT, true },
		{ "usage_input_tokens_cache_write", FIELD_CACHE_WRITE, false },
		{ "usage_input_tokens_cache_write_5m", FIELD_CACHE_WRITE,
		    false },
		{ "usage_input_tokens_cache_write_1h", FIELD_CACHE_WRITE_1H,
		    false },
		{ "usage_input_tokens_cache_read", FIELD_CACHE_READ, false },
		{ "usage_output_tokens", FIELD_OUTPUT, true },
		{ "web_search_count", FIELD_SEARCHES, false },
	    } },
	{ "Anthropic cost (CSV)", "anthropic",
	    {
		{ "usage_date_utc", FIELD_DAY, true },
		{ "model", FIELD_MODEL, true },
		{ "cost_usd", FIELD_USD, true },
	    } },
	{ "plain usage (CSV)", "",
	    {
		{ "day", FIELD_DAY, true },
		{ "model", FIELD_MODEL, true },
		{ "requests", FIELD_REQUESTS, false },
		{ "input", FIELD_INPUT, false },
		{ "cache_read", FIELD_CACHE_READ, false },
		{ "cache_write", FIELD_CACHE_WRITE, false },
		{ "cache_write_1h", FIELD_CACHE_WRITE_1H, false },
		{ "output", FIELD_OUTPUT, false },
		{ "web_searches", FIELD_SEARCHES, false },
		{ "cost", FIELD_USD, false },
	    } },
};

/* Fields that are quantities. */
static enum quantity
quantity_of(enum field f)
{
	switch (f) {
	case FIELD_REQUESTS:
		return QUANTITY_REQUESTS;
	case FIELD_INPUT:
	case FIELD_ALL_INPUT:
		return QUANTITY_INPUT;
	case FIELD_CACHE_READ:
		return QUANTITY_CACHE_READ;
	case FIELD_CACHE_WRITE:
		return QUANTITY_CACHE_WRITE;
	case FIELD_CACHE_WRITE_1H:
		return QUANTITY_CACHE_WRITE_1H;
	case FIELD_OUTPUT:
		return QUANTITY_OUTPUT;
	case FIELD_SEARCHES:
		return QUANTITY_SEARCHES;
	case FIELD_USD:
		return QUANTITY_COST;
	default:
		return QUANTITIES;
	}
}

bool
layout_count(struct slice text, int64_t *count)
{
	size_t i;

	*count = 0;
	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		*count = *count * 10 + (text.ptr[i] - '0');
		if (*count > COUNT_MAX)
			return false;
	}
	return true;
}

bool
layout_day(struct slice text, int64_t *day)
{
	int64_t us;

	if (text.len < DAY_CHARS ||
	    (text.len > DAY_CHARS &&
		memchr("T ", text.ptr[DAY_CHARS], 2) == NULL) ||
	    !moment_parse(slice_make(text.ptr, DAY_CHARS), &us))
		return false;
	*day = calendar_day(us);
	return true;
}

/* In lower case, blanks as underscores: people write columns freely. */
static void
column_name(struct slice cell, char name[HEADER_BYTES])
{
	size_t i, len;

	while (cell.len > 0 && cell.ptr[cell.len - 1] == ' ')
		cell.len--;
	while (cell.len > 0 && cell.ptr[0] == ' ')
		cell = slice_after(cell, 1);
	len = min_size(cell.len, HEADER_BYTES - 1);
	for (i = 0; i < len; i++) {
		char c = cell.ptr[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		name[i] = (char)(c == ' ' ? '_' : c);
	}
	name[len] = '\0';
}

/* A file that is being read. */
struct reading {
	struct invoice *invoice;
	const struct layout *layout;
	struct record_reader reader;
	const struct known_column *columns[RECORD_CELLS_MAX];
	size_t count;
	bool input_is_all;
	struct buf *why;
	int64_t start, end;
};

/* Does the first line have all that the layout needs, and some quantity? */
static bool
fits(struct reading *r, const struct layout *l, const struct record *head)
{
	char name[HEADER_BYTES];
	bool found[COLUMNS_MAX] = { false }, tells = false;
	size_t i, c;

	memset(r->columns, 0, sizeof(r->columns));
	for (i = 0; i < head->count; i++) {
		column_name(head->cells[i], name);
		for (c = 0; c < COLUMNS_MAX && l->columns[c].name != NULL; c++)
			if (strcmp(l->columns[c].name, name) == 0 &&
			    !found[c]) {
				found[c] = true;
				r->columns[i] = &l->columns[c];
			}
	}
	for (c = 0; c < COLUMNS_MAX && l->columns[c].name != NULL; c++) {
		if (l->columns[c].needed && !found[c])
			return false;
		tells |=
		    found[c] && quantity_of(l->columns[c].field) < QUANTITIES;
	}
	return tells;
}

static bool
find_layout(struct reading *r, const struct record *head)
{
	size_t i;

	for (i = 0; i < count_of(layouts); i++)
		if (fits(r, &layouts[i], head)) {
			r->layout = &layouts[i];
			r->count = head->count;
			return true;
		}
	return false;
}

static bool
wrong(struct reading *r, const char *column, struct slice cell,
    const char *wanted)
{
	buf_printf(r->why, "line %zu: %s is '%.*s'; it has to be %s",
	    r->reader.line, column, (int)min_size(cell.len, HEADER_BYTES),
	    cell.ptr, wanted);
	return false;
}

static bool
take_money(struct reading *r, const char *column, struct slice cell,
    struct charge *c)
{
	struct amount a;

	if (cell.len == 0)
		return true;
	if (!amount_read(&a, cell, 0))
		return wrong(r, column, cell, "USD, like 12.34");
	c->nano += a.nano;
	c->grain += a.grain;
	return true;
}

static bool
take_seconds(struct reading *r, const char *column, struct slice cell,
    int64_t *seconds)
{
	if (cell.len == 0 || !layout_count(cell, seconds) ||
	    *seconds > SECONDS_MAX)
		return wrong(r, column, cell, "seconds since 1970");
	return true;
}

static bool
take_time(struct reading *r, const struct known_column *column,
    struct slice cell, struct charge *c)
{
	switch (column->field) {
	case FIELD_DAY:
		if (!layout_day(cell, &c->day))
			return wrong(r, column->name, cell,
			    "a day, like 2026-11-26");
		return true;
	case FIELD_START:
		if (!take_seconds(r, column->name, cell, &r->start))
			return false;
		c->day = r->start / DAY_S;
		return true;
	default:
		return take_seconds(r, column->name, cell, &r->end);
	}
}

static bool
take_cell(struct reading *r, const struct known_column *column,
    struct slice cell, struct charge *c)
{
	const char *comma;
	int64_t count;

	switch (column->field) {
	case FIELD_DAY:
	case FIELD_START:
	case FIELD_END:
		return take_time(r, column, cell, c);
	case FIELD_MODEL:
		c->model = cell;
		return true;
	case FIELD_ITEM:
		comma = memchr(cell.ptr, ',', cell.len);
		c->model = slice_make(cell.ptr,
		    comma != NULL ? (size_t)(comma - cell.ptr) : cell.len);
		return true;
	case FIELD_USD:
		return take_money(r, column->name, cell, c);
	case FIELD_CURRENCY:
		return cell.len == 0 || slice_is(cell, "usd") ||
		       slice_is(cell, "USD") ||
		       wrong(r, column->name, cell, "usd: prices are in USD");
	default:
		if (!layout_count(cell, &count))
			return wrong(r, column->name, cell, "a count");
		c->q.of[quantity_of(column->field)] += count;
		return true;
	}
}

/* Input that includes what was cached is made to be without. */
static bool
part_input(struct reading *r, struct charge *c)
{
	if (!r->input_is_all)
		return true;
	c->q.of[QUANTITY_INPUT] -=
	    c->q.of[QUANTITY_CACHE_READ] + c->q.of[QUANTITY_CACHE_WRITE];
	if (c->q.of[QUANTITY_INPUT] >= 0)
		return true;
	buf_printf(r->why, "line %zu: more input was cached than there was",
	    r->reader.line);
	return false;
}

static bool
take_record(struct reading *r, const struct record *record)
{
	struct charge c = { 0 };
	size_t before, i;

	if (record->count != r->count) {
		buf_printf(r->why, "line %zu has %zu cells, the first line %zu",
		    r->reader.line, record->count, r->count);
		return false;
	}
	r->start = r->end = 0;
	for (i = 0; i < r->count; i++)
		if (r->columns[i] != NULL &&
		    !take_cell(r, r->columns[i], record->cells[i], &c))
			return false;
	if (r->end > r->start + DAY_S) {
		buf_printf(r->why,
		    "line %zu is of more than a day: export it by day",
		    r->reader.line);
		return false;
	}
	before = r->why->len;
	if (part_input(r, &c) && invoice_charge(r->invoice, &c, r->why))
		return true;
	if (r->why->len == before)
		buf_printf(r->why, "line %zu", r->reader.line);
	return false;
}

static void
note_columns(struct reading *r)
{
	enum quantity q;
	size_t i;

	for (i = 0; i < r->count; i++) {
		if (r->columns[i] == NULL)
			continue;
		q = quantity_of(r->columns[i]->field);
		if (q < QUANTITIES)
			r->invoice->has[q] = true;
		r->input_is_all |= r->columns[i]->field == FIELD_ALL_INPUT;
	}
}

static bool
take_rest(struct reading *r)
{
	struct record record;

	note_columns(r);
	for (;;) {
		switch (record_next(&r->reader, &record)) {
		case RECORD_END:
			return true;
		case RECORD_LONG:
			buf_printf(r->why, "line %zu has more than %d cells",
			    r->reader.line, RECORD_CELLS_MAX);
			return false;
		case RECORD_QUOTE:
			buf_printf(r->why,
			    "line %zu has a quote that does not end, or text "
			    "behind one",
			    r->reader.line);
			return false;
		default:
			if (!take_record(r, &record))
				return false;
		}
	}
}

static void
put_known(struct buf *out)
{
	size_t i, c;

	for (i = 0; i < count_of(layouts); i++) {
		buf_printf(out, "\n  %s:", layouts[i].name);
		for (c = 0; c < COLUMNS_MAX; c++)
			if (layouts[i].columns[c].name != NULL)
				buf_printf(out, " %s%s",
				    layouts[i].columns[c].name,
				    layouts[i].columns[c].needed ? "*" : "");
	}
}

void
layout_known(struct buf *out)
{
	buf_puts(out, "CSV by its columns (* has to be there):");
	put_known(out);
}

bool
layout_take(struct invoice *i, char *bytes, size_t len, struct taken *taken,
    struct buf *why)
{
	struct reading r = { .invoice = i, .why = why };
	struct record head;

	record_start(&r.reader, bytes, len);
	if (record_next(&r.reader, &head) != RECORD_READ ||
	    !find_layout(&r, &head)) {
		buf_puts(why, "it is none of the exports that are taken. ");
		layout_known(why);
		buf_puts(why, "\n");
		interval_known(why);
		return false;
	}
	*taken = (struct taken){ r.layout->name, r.layout->vendor };
	return take_rest(&r);
}
