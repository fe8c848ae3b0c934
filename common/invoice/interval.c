#include "common/invoice/interval.h"

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/format/json.h"
#include "common/invoice/amount.h"
#include "common/invoice/layout.h"

/* json_parse takes at most 64 bytes a value, of two bytes at least. */
#define TREE_MAX    ((size_t)INVOICE_BYTES_MAX * 40)
#define DAY_S       INT64_C(86400)
#define SECONDS_MAX INT64_C(253402300799)
#define CENTS       (-2)

/* Numbers of a result, by their place in it. */
struct known_number {
	const char *outer, *name; /* outer may be NULL */
	enum quantity quantity;
	bool needed;
};

#define NUMBERS_MAX 8

static const struct kind {
	const char *name, *vendor, *times; /* the bucket's beginning */
	const char *place;                 /* for who asks what is taken */
	bool money, all_input;             /* input has what was cached in it */
	struct known_number numbers[NUMBERS_MAX];
} kinds[] = {
	{ "OpenAI usage (JSON)", "openai", "start_time",
	    "/v1/organization/usage/completions, group_by=model", false, true,
	    {
		{ NULL, "num_model_requests", QUANTITY_REQUESTS, true },
		{ NULL, "input_tokens", QUANTITY_INPUT, true },
		{ NULL, "input_cached_tokens", QUANTITY_CACHE_READ, false },
		{ NULL, "input_cache_write_tokens", QUANTITY_CACHE_WRITE,
		    false },
		{ NULL, "output_tokens", QUANTITY_OUTPUT, false },
	    } },
	{ "OpenAI costs (JSON)", "openai", "start_time",
	    "/v1/organization/costs, group_by=line_item", true, false,
	    { { 0 } } },
	{ "Anthropic usage (JSON)", "anthropic", "starting_at",
	    "/v1/organizations/usage_report/messages, group_by[]=model", false,
	    false,
	    {
		{ NULL, "uncached_input_tokens", QUANTITY_INPUT, true },
		{ NULL, "cache_read_input_tokens", QUANTITY_CACHE_READ, false },
		{ "cache_creation", "ephemeral_5m_input_tokens",
		    QUANTITY_CACHE_WRITE, false },
		{ "cache_creation", "ephemeral_1h_input_tokens",
		    QUANTITY_CACHE_WRITE_1H, false },
		{ NULL, "output_tokens", QUANTITY_OUTPUT, true },
		{ "server_tool_use", "web_search_requests", QUANTITY_SEARCHES,
		    false },
	    } },
	{ "Anthropic cost (JSON)", "anthropic", "starting_at",
	    "/v1/organizations/cost_report, group_by[]=description", true,
	    false, { { 0 } } },
};

struct reading {
	struct invoice *invoice;
	struct arena arena;
	struct buf *why;
	const struct kind *kind; /* NULL: no result was seen */
	size_t bucket;           /* from 1 */
};

static bool
wrong(struct reading *r, const char *what, const char *wanted)
{
	buf_printf(r->why, "bucket %zu: %s is not %s", r->bucket, what, wanted);
	return false;
}

static const struct json_value *
number_of(const struct json_value *result, const struct known_number *n)
{
	if (n->outer != NULL)
		result = json_find(result, n->outer);
	return json_find(result, n->name);
}

/* Does the result have what this kind of usage needs? */
static bool
is_usage(const struct kind *k, const struct json_value *result)
{
	size_t i;

	for (i = 0; i < NUMBERS_MAX && k->numbers[i].name != NULL; i++)
		if (k->numbers[i].needed &&
		    number_of(result, &k->numbers[i]) == NULL)
			return false;
	return true;
}

static const struct kind *
kind_of(const struct json_value *bucket, const struct json_value *result)
{
	size_t i;

	for (i = 0; i < count_of(kinds); i++) {
		if (json_find(bucket, kinds[i].times) == NULL)
			continue;
		if (kinds[i].money ? json_find(result, "amount") != NULL
				   : is_usage(&kinds[i], result))
			return &kinds[i];
	}
	return NULL;
}

/* A string's characters; empty where there is none, or null. */
static struct slice
text_of(struct reading *r, const struct json_value *object, const char *name)
{
	struct slice text = { NULL, 0 };
	const struct json_value *v = json_find(object, name);

	if (v == NULL || v->type != JSON_STRING ||
	    !json_text(v, &r->arena, &text) || text.len == 0)
		return slice_make("", 0);
	return text;
}

static bool
take_numbers(struct reading *r, const struct json_value *result,
    struct charge *c)
{
	const struct known_number *n = r->kind->numbers;
	int64_t count;
	size_t i;

	for (i = 0; i < NUMBERS_MAX && n[i].name != NULL; i++) {
		const struct json_value *v = number_of(result, &n[i]);

		if (v == NULL || v->type == JSON_NULL)
			continue;
		if (v->type != JSON_NUMBER || !layout_count(v->raw, &count))
			return wrong(r, n[i].name, "a count");
		c->q.of[n[i].quantity] += count;
		r->invoice->has[n[i].quantity] = true;
	}
	return true;
}

/* OpenAI's input has what was cached in it. */
static bool
part_input(struct reading *r, struct charge *c)
{
	if (!r->kind->all_input)
		return true;
	c->q.of[QUANTITY_INPUT] -=
	    c->q.of[QUANTITY_CACHE_READ] + c->q.of[QUANTITY_CACHE_WRITE];
	if (c->q.of[QUANTITY_INPUT] >= 0)
		return true;
	return wrong(r, "input_cached_tokens", "a part of input_tokens");
}

/* A number is exact; a text has been rounded. */
static bool
take_amount(struct reading *r, const struct json_value *v, int power,
    struct charge *c)
{
	struct slice text = v != NULL ? v->raw : slice_make("", 0);
	struct amount a;

	if (v != NULL && v->type == JSON_STRING &&
	    !json_text(v, &r->arena, &text))
		return wrong(r, "amount", "a sum of money");
	if (!amount_read(&a, text, power))
		return wrong(r, "amount", "a sum of money");
	c->nano = a.nano;
	c->grain = v->type == JSON_STRING ? a.grain : 0;
	r->invoice->has[QUANTITY_COST] = true;
	return true;
}

static bool
take_money(struct reading *r, const struct json_value *result, struct charge *c)
{
	const struct json_value *amount = json_find(result, "amount");
	struct slice item = text_of(r, result, "line_item"), currency;
	const char *comma = memchr(item.ptr, ',', item.len);

	if (amount->type == JSON_OBJECT) { /* OpenAI's */
		currency = text_of(r, amount, "currency");
		c->model = slice_make(item.ptr,
		    comma != NULL ? (size_t)(comma - item.ptr) : item.len);
		amount = json_find(amount, "value");
		if (!take_amount(r, amount, 0, c))
			return false;
	} else {
		currency = text_of(r, result, "currency");
		c->model = text_of(r, result, "model");
		if (!take_amount(r, amount, CENTS, c))
			return false;
	}
	return currency.len == 0 || slice_is(currency, "usd") ||
	       slice_is(currency, "USD") || wrong(r, "currency", "USD");
}

static bool
take_result(struct reading *r, const struct json_value *bucket,
    const struct json_value *result, int64_t day)
{
	struct charge c = { .day = day };
	const struct kind *kind = kind_of(bucket, result);

	if (kind == NULL)
		return wrong(r, "a result", "one of usage or cost");
	if (r->kind != NULL && r->kind != kind)
		return wrong(r, "a result", "of the kind of those before");
	r->kind = kind;
	if (kind->money) {
		if (!take_money(r, result, &c))
			return false;
	} else {
		c.model = text_of(r, result, "model");
		if (!take_numbers(r, result, &c) || !part_input(r, &c))
			return false;
	}
	return invoice_charge(r->invoice, &c, r->why);
}

/* When it begins, and that it is of one day. */
static bool
bucket_day(struct reading *r, const struct json_value *bucket, int64_t *day)
{
	int64_t start, end, other;

	if (json_int(json_find(bucket, "start_time"), &start)) {
		*day = start / DAY_S;
		if (start < 0 || start > SECONDS_MAX)
			return wrong(r, "start_time", "seconds since 1970");
		if (json_int(json_find(bucket, "end_time"), &end) &&
		    (end < start || end - start > DAY_S))
			return wrong(r, "it", "of a day: bucket_width=1d");
		return true;
	}
	if (!layout_day(text_of(r, bucket, "starting_at"), day))
		return wrong(r, "its beginning",
		    "told: start_time or starting_at");
	if (layout_day(text_of(r, bucket, "ending_at"), &other) &&
	    other > *day + 1)
		return wrong(r, "it", "of a day: bucket_width=1d");
	return true;
}

static bool
take_bucket(struct reading *r, const struct json_value *bucket)
{
	const struct json_value *results = json_find(bucket, "results"), *v;
	int64_t day;

	r->bucket++;
	if (results == NULL)
		results = json_find(bucket, "result"); /* an older name */
	if (!bucket_day(r, bucket, &day))
		return false;
	if (results == NULL || results->type != JSON_ARRAY)
		return wrong(r, "'results'", "there");
	invoice_cover(r->invoice, day);
	for (v = results->first; v != NULL; v = v->next)
		if (!take_result(r, bucket, v, day))
			return false;
	return true;
}

static bool
take_page(struct reading *r, const struct json_value *page)
{
	const struct json_value *data = json_find(page, "data"), *v;
	const struct json_value *more = json_find(page, "has_more");

	if (data == NULL || data->type != JSON_ARRAY) {
		buf_puts(r->why,
		    "it is none of the exports that are taken: it has no "
		    "'data' with buckets. ");
		interval_known(r->why);
		buf_puts(r->why, "\n");
		layout_known(r->why);
		return false;
	}
	r->invoice->more = more != NULL && more->type == JSON_TRUE;
	for (v = data->first; v != NULL; v = v->next)
		if (!take_bucket(r, v))
			return false;
	return true;
}

static bool
take_pages(struct reading *r, const struct json_value *all)
{
	const struct json_value *v;

	if (all->type != JSON_ARRAY)
		return take_page(r, all);
	for (v = all->first; v != NULL; v = v->next)
		if (!take_page(r, v))
			return false;
	return true;
}

void
interval_known(struct buf *out)
{
	size_t i;

	buf_puts(out, "JSON, pages of buckets of a day, of:");
	for (i = 0; i < count_of(kinds); i++)
		buf_printf(out, "\n  %s: %s", kinds[i].name, kinds[i].place);
}

bool
interval_take(struct invoice *i, struct slice text, struct taken *taken,
    struct buf *why)
{
	struct reading r = { .invoice = i, .why = why };
	const struct json_value *all;
	struct json_error error;
	bool good = false;

	arena_init(&r.arena, TREE_MAX);
	all = json_parse(&r.arena, text, &error);
	if (all == NULL)
		buf_printf(why, "it is no JSON: %s at byte %zu", error.why,
		    error.at);
	else
		good = take_pages(&r, all);
	*taken = (struct taken){ "pages without a result", "" };
	if (r.kind != NULL)
		*taken = (struct taken){ r.kind->name, r.kind->vendor };
	arena_fini(&r.arena);
	return good;
}
