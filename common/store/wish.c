#include "common/store/wish.h"

#include <assert.h>

#include "common/base/clock.h"
#include "common/base/command.h"
#include "common/format/json.h"
#include "common/format/moment.h"
#include "common/llm/fail.h"

#define REQUEST_PREFIX "req_"
#define FAIL_ANY       "any"
#define STATUS_LEAST   100
#define STATUS_MOST    599
#define WORDS_MAX      (FAIL_COUNT + 2)

void
wish_init(struct wish *w, enum row_kind kind)
{
	assert(kind == ROW_REQUEST || kind == ROW_ATTEMPT || kind == ROW_EVENT);
	*w = (struct wish){
		.kind = kind,
		.limit = SEARCH_LIMIT,
		.rows_max = SEARCH_ROWS_MAX,
	};
}

/* Columns of which all words are known. */
struct bounded {
	const char *column;
	const char *const words[5];
};

static const struct bounded bounds[] = {
	{ "state", { "settled", "interrupted", "resettled" } },
	{ "dialect", { "chat", "responses", "messages" } },
	{ "operation", { "generate", "count" } },
	{ "usage_source", { "none", "provider", "partial", "estimated" } },
};

static enum wish_word
unknown_word(struct slice name, struct slice value, const char *const *words,
    size_t count, struct buf *why)
{
	const char *near = nearest_word(value, words, count);
	size_t i;

	buf_printf(why, "no row has '%.*s' as its %.*s", SLICE_FMT(value),
	    SLICE_FMT(name));
	if (near != NULL) {
		buf_printf(why, "; is it '%s'?\n", near);
		return WISH_WRONG;
	}
	for (i = 0; i < count; i++)
		buf_printf(why, "%s %s", i > 0 ? "," : "; there are", words[i]);
	buf_putc(why, '\n');
	return WISH_WRONG;
}

static enum wish_word
check_bound(const struct column *c, struct slice value, struct buf *why)
{
	size_t i, n;

	for (i = 0; i < count_of(bounds); i++) {
		const struct bounded *b = &bounds[i];

		if (strcmp(b->column, c->name) != 0)
			continue;
		for (n = 0; n < count_of(b->words) && b->words[n] != NULL; n++)
			if (slice_is(value, b->words[n]))
				return WISH_TAKEN;
		return unknown_word(slice_of(c->name), value, b->words, n, why);
	}
	return WISH_TAKEN;
}

static const struct column *
text_column(enum row_kind kind, struct slice name)
{
	size_t count, i;
	const struct column *columns = row_columns(kind, &count);

	for (i = 0; i < count; i++)
		if (columns[i].type == COLUMN_TEXT &&
		    slice_is(name, columns[i].name))
			return &columns[i];
	return NULL;
}

static enum wish_word
take_text(struct wish *w, const struct column *c, struct slice value,
    struct buf *why)
{
	size_t i;

	for (i = 0; i < w->texts_count && w->texts[i].column != c; i++)
		;
	if (i == WISH_TEXTS_MAX) {
		buf_printf(why, "at most %d columns at once\n", WISH_TEXTS_MAX);
		return WISH_WRONG;
	}
	w->texts[i] = (struct wish_text){ c, value };
	if (i == w->texts_count)
		w->texts_count++;
	return WISH_TAKEN;
}

static bool
take_id(struct id *id, struct slice text)
{
	if (slice_starts(text, REQUEST_PREFIX))
		text = slice_after(text, strlen(REQUEST_PREFIX));
	return id_parse(id, text);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As search_key_write has it. */
static bool
take_hex(struct search_key *key, struct slice text)
{
	size_t i;

	if (text.len % 2 != 0 || text.len < (size_t)2 * ID_BYTES ||
	    text.len > (size_t)2 * SEARCH_KEY_MAX)
		return false;
	key->len = text.len / 2;
	for (i = 0; i < key->len; i++) {
		int high = hex_digit(text.ptr[2 * i]);
		int low = hex_digit(text.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		key->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void
search_key_set(struct search_key *key, const struct id *id)
{
	memcpy(key->bytes, id->bytes, ID_BYTES);
	key->len = ID_BYTES;
}

/* Greater than every key that begins with the id. */
static void
pass_id(struct search_key *key, const struct id *id)
{
	int i = ID_BYTES - 1;

	search_key_set(key, id);
	while (i > 0 && key->bytes[i] == UINT8_MAX)
		key->bytes[i--] = 0;
	key->bytes[i]++;
}

/* Each of these takes the one word of its name. */
static bool
take_before(struct wish *w, struct slice value)
{
	struct id id;

	if (!take_id(&id, value))
		return take_hex(&w->before, value);
	search_key_set(&w->before, &id);
	return true;
}

static bool
take_after(struct wish *w, struct slice value)
{
	struct id id;

	if (take_id(&id, value)) {
		pass_id(&w->after, &id);
		return true;
	}
	if (!take_hex(&w->after, value) || w->after.len == SEARCH_KEY_MAX)
		return false;
	w->after.bytes[w->after.len++] = 0;
	return true;
}

static bool
take_from(struct wish *w, struct slice value)
{
	return moment_read(value, clock_wall_us(), &w->from_us);
}

static bool
take_to(struct wish *w, struct slice value)
{
	return moment_read(value, clock_wall_us(), &w->to_us);
}

static bool
take_limit(struct wish *w, struct slice value)
{
	int64_t number;

	if (!json_raw_int(value, &number) || number < 0)
		return false;
	w->limit = number > 0 ? (size_t)number : SEARCH_LIMIT;
	return true;
}

static bool
take_status(struct wish *w, struct slice value)
{
	int64_t number;

	if (value.len == 3 && slice_is(slice_after(value, 1), "xx") &&
	    value.ptr[0] >= '1' && value.ptr[0] <= '5') {
		w->status_from = (value.ptr[0] - '0') * INT64_C(100);
		w->status_to = w->status_from + 99;
		return true;
	}
	if (!json_raw_int(value, &number) || number < STATUS_LEAST ||
	    number > STATUS_MOST)
		return false;
	w->status_from = w->status_to = number;
	return true;
}

static bool
take_slow(struct wish *w, struct slice value)
{
	return span_read(value, &w->slow_us);
}

static bool
take_request(struct wish *w, struct slice value)
{
	return take_id(&w->request, value);
}

#define KEY_WANTED "a row is named by its id, or as an answer's 'next' has it"

static const struct word {
	const char *name;
	bool (*take)(struct wish *w, struct slice value);
	const char *wanted;
	bool of_events; /* that have no status and no time */
} words[] = {
	{ "limit", take_limit, "a limit is a number of rows", true },
	{ "before", take_before, KEY_WANTED, true },
	{ "after", take_after, KEY_WANTED, true },
	{ "from", take_from, MOMENT_WANTED, true },
	{ "to", take_to, MOMENT_WANTED, true },
	{ "request", take_request,
	    "a request is named by its id, as X-Request-Id has it", true },
	{ "status", take_status, "a status is 404, or 5xx for all of its kind",
	    false },
	{ "slow", take_slow, SPAN_WANTED, false },
};

static const struct word *
find_word(enum row_kind kind, struct slice name)
{
	size_t i;

	for (i = 0; i < count_of(words); i++)
		if (slice_is(name, words[i].name) &&
		    (kind != ROW_EVENT || words[i].of_events))
			return &words[i];
	return NULL;
}

/* Error names are a table's: what is not in it is no row's. */
static enum wish_word
take_fail(struct wish *w, const struct column *c, struct slice value,
    struct buf *why)
{
	const char *names[WORDS_MAX] = { FAIL_ANY };
	size_t n = 1;
	int f;

	w->failed = slice_is(value, FAIL_ANY);
	if (w->failed)
		return WISH_TAKEN;
	if (fail_by_name(value) != FAIL_NONE)
		return take_text(w, c, value, why);
	for (f = FAIL_NONE + 1; f < FAIL_COUNT; f++)
		names[n++] = fail_name((enum fail)f);
	return unknown_word(slice_of("error"), value, names, n, why);
}

enum wish_word
wish_take(struct wish *w, struct slice name, struct slice value,
    struct buf *why)
{
	const struct word *word = find_word(w->kind, name);
	const struct column *c = text_column(w->kind, name);
	enum wish_word taken;

	if (word != NULL) {
		if (word->take(w, value))
			return WISH_TAKEN;
		buf_printf(why, "%.*s '%.*s': %s\n", SLICE_FMT(name),
		    SLICE_FMT(value), word->wanted);
		return WISH_WRONG;
	}
	if (c == NULL)
		return WISH_UNKNOWN;
	if (strcmp(c->name, "fail") == 0)
		return take_fail(w, c, value, why);
	taken = check_bound(c, value, why);
	return taken == WISH_TAKEN ? take_text(w, c, value, why) : taken;
}

const char *
wish_name(enum row_kind kind, size_t index)
{
	size_t count, i;
	const struct column *columns = row_columns(kind, &count);

	for (i = 0; i < count_of(words); i++)
		if ((kind != ROW_EVENT || words[i].of_events) && index-- == 0)
			return words[i].name;
	for (i = 0; i < count; i++)
		if (columns[i].type == COLUMN_TEXT && index-- == 0)
			return columns[i].name;
	return NULL;
}
