#include "common/store/spend.h"

#include "common/store/ledger.h"
#include "common/store/slip.h"

_Static_assert(MERGE_SUMS == (int)BUDGET_UNITS, "a sum of each unit");

/* What the row comes to, and what its sums have of it. */
struct worth {
	struct budget_amounts worth, counted;
	int64_t held_tokens, held_microusd;
};

/* Held is more than what is known: nobody knows what became of it. */
static void
count_held(struct worth *w)
{
	w->worth.of[BUDGET_REQUESTS] = 1;
	w->worth.of[BUDGET_TOKENS] =
	    max_i64(w->worth.of[BUDGET_TOKENS], w->held_tokens);
	w->worth.of[BUDGET_MICROUSD] =
	    max_i64(w->worth.of[BUDGET_MICROUSD], w->held_microusd);
}

static bool
differ(const struct worth *w, struct spend *more)
{
	bool any = false;
	size_t u;

	for (u = 0; u < BUDGET_UNITS; u++) {
		more->amounts.of[u] = w->worth.of[u] - w->counted.of[u];
		any |= more->amounts.of[u] != 0;
	}
	return any;
}

/* Requests and attempts have these columns alike. */
#define TOKENS_OF(row)                                                         \
	((row)->input_tokens + (row)->cache_read_tokens +                      \
	    (row)->cache_write_tokens + (row)->cache_write_1h_tokens +         \
	    (row)->output_tokens + (row)->reasoning_tokens)
#define WORTH_OF(row, requests)                                                \
	{                                                                      \
		.worth = { { (requests), TOKENS_OF(row),                       \
		    (row)->cost_microusd } },                                  \
		.counted = { { (row)->counted, (row)->counted_tokens,          \
		    (row)->counted_microusd } },                               \
		.held_tokens = (row)->held_tokens,                             \
		.held_microusd = (row)->held_microusd,                         \
	}
#define COUNT(row, w)                                                          \
	do {                                                                   \
		(row)->counted = (w).worth.of[BUDGET_REQUESTS];                \
		(row)->counted_tokens = (w).worth.of[BUDGET_TOKENS];           \
		(row)->counted_microusd = (w).worth.of[BUDGET_MICROUSD];       \
	} while (0)

bool
spend_of_request(struct request_row *row, struct spend *more)
{
	struct worth w = WORTH_OF(row,
	    row->attempts > 0 && slice_is(row->operation, "generate"));

	if (row->budget_day == 0 || slice_is(row->state, "open"))
		return false;
	if (slice_is(row->state, "interrupted"))
		count_held(&w);
	more->day = row->budget_day;
	if (!differ(&w, more))
		return false;
	COUNT(row, w);
	return true;
}

bool
spend_of_attempt(struct attempt_row *row, struct spend *more)
{
	struct worth w = WORTH_OF(row, 1);

	if (row->budget_day == 0 || slice_is(row->state, "open"))
		return false;
	if (slice_is(row->state, "interrupted"))
		count_held(&w);
	more->day = row->budget_day;
	if (!differ(&w, more))
		return false;
	COUNT(row, w);
	return true;
}

struct slice
spend_key(char key[SPEND_KEY_MAX], enum scope_level level, struct slice name,
    int64_t day)
{
	size_t n = 0, len = min_size(name.len, SPEND_NAME_MAX);
	int i;

	key[n++] = (char)('a' + (int)level);
	if (len > 0)
		memcpy(key + n, name.ptr, len);
	n += len;
	key[n++] = '\0';
	for (i = 0; i < 4; i++)
		key[n++] = (char)((uint64_t)day >> (24 - 8 * i));
	return slice_make(key, n);
}

static bool
key_read(struct spend_sum *sum, struct slice key)
{
	size_t i;

	if (key.len < 6 || key.ptr[0] < 'a' ||
	    key.ptr[0] >= 'a' + (int)SCOPE_LEVELS ||
	    key.ptr[key.len - 5] != '\0')
		return false;
	sum->level = (enum scope_level)(key.ptr[0] - 'a');
	sum->name = slice_make(key.ptr + 1, key.len - 6);
	sum->spend.day = 0;
	for (i = key.len - 4; i < key.len; i++)
		sum->spend.day = sum->spend.day << 8 | (uint8_t)key.ptr[i];
	return true;
}

/* To whom the sums are given. */
struct taker {
	void (*add)(void *arg, struct slice key, const int64_t *sums);
	void *arg;
	const struct spend *more;
};

static void
give(const struct taker *t, enum scope_level level, struct slice name)
{
	char key[SPEND_KEY_MAX];

	t->add(t->arg, spend_key(key, level, name, t->more->day),
	    t->more->amounts.of);
}

void
spend_put_request(const struct request_row *row, const struct spend *more,
    void (*add)(void *arg, struct slice key, const int64_t *sums), void *arg)
{
	const struct taker t = { add, arg, more };

	if (row->project.len > 0)
		give(&t, SCOPE_PROJECT, row->project);
	if (row->user.len > 0)
		give(&t, SCOPE_USER, row->user);
	give(&t, SCOPE_CALLER, row->caller);
}

void
spend_put_attempt(const struct attempt_row *row, const struct spend *more,
    void (*add)(void *arg, struct slice key, const int64_t *sums), void *arg)
{
	const struct taker t = { add, arg, more };

	give(&t, SCOPE_TEAM, row->team);
}

/* The sums from one key to the other, with what slips are to add to them. */
struct span {
	struct ledger *ledger;
	struct slice from, to;
};

static bool
walk(const struct span *span,
    void (*call)(void *arg, const struct spend_sum *sum), void *arg)
{
	struct slice key, value;
	struct spend_sum sum;
	struct db_scan *scan;
	bool good = true;

	if (!slips_post(ledger_slips(span->ledger)))
		return false;
	scan = db_scan_new(ledger_db(span->ledger), FAMILY_SPEND, span->from,
	    span->to, false);
	while (db_scan_next(scan, &key, &value))
		if (key_read(&sum, key) &&
		    sums_read(sum.spend.amounts.of, value))
			call(arg, &sum);
		else
			good = false;
	good = good && !db_scan_failed(scan);
	db_scan_free(scan);
	return good;
}

struct slice
spend_holder(const struct spend_sum *sum)
{
	size_t n = 0;

	if (sum->level != SCOPE_MEMBER)
		return sum->name;
	while (n < sum->name.len && sum->name.ptr[n] != ' ')
		n++;
	return slice_make(sum->name.ptr, n);
}

bool
spend_each(struct ledger *l,
    void (*call)(void *arg, const struct spend_sum *sum), void *arg)
{
	const struct span all = { .ledger = l };

	return walk(&all, call, arg);
}

bool
spend_days(struct ledger *l, const struct spend_sum *from,
    void (*call)(void *arg, const struct spend_sum *sum), void *arg)
{
	char first[SPEND_KEY_MAX], last[SPEND_KEY_MAX];
	const struct span days = { l,
		spend_key(first, from->level, from->name, from->spend.day),
		spend_key(last, from->level, from->name, UINT32_MAX) };

	return walk(&days, call, arg);
}

void
spend_add(struct ledger_turn *t, const struct spend_sum *sum)
{
	char key[SPEND_KEY_MAX];

	ledger_add(t, spend_key(key, sum->level, sum->name, sum->spend.day),
	    sum->spend.amounts.of);
}

struct folding {
	struct db *db;
	struct db_batch *batch;
	int64_t day;
};

static void
fold(void *arg, const struct spend_sum *sum)
{
	struct folding *f = arg;
	char key[SPEND_KEY_MAX], value[MERGE_SUMS_BYTES];

	int64_t until =
	    sum->level == SCOPE_MEMBER ? f->day - SPEND_TOLD_DAYS : f->day;

	if (sum->spend.day == 0 || sum->spend.day >= until)
		return;
	sums_write(value, sum->spend.amounts.of);
	db_batch_merge(f->batch, f->db, FAMILY_SPEND,
	    spend_key(key, sum->level, sum->name, 0),
	    slice_make(value, sizeof(value)));
	db_batch_delete(f->batch, f->db, FAMILY_SPEND,
	    spend_key(key, sum->level, sum->name, sum->spend.day));
}

bool
spend_fold(struct ledger *l, int64_t day)
{
	struct folding f = { ledger_db(l), db_batch_new(), day };
	bool good = spend_each(l, fold, &f);

	if (good && db_batch_count(f.batch) > 0)
		good = db_write(f.db, f.batch, true) == DB_OK;
	db_batch_free(f.batch);
	return good;
}

#define NEWEST_ROWS 64

/* Rows are in order of their beginning: the last end is among the newest. */
static int64_t
last_of(struct ledger *l, enum family f)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan = db_scan_new(ledger_db(l), f, none, none, true);
	struct request_row request;
	struct attempt_row attempt;
	int64_t last_us = 0;
	int seen = 0;

	while (seen++ < NEWEST_ROWS && db_scan_next(scan, &key, &value)) {
		if (f == FAMILY_REQUEST &&
		    row_read(ROW_REQUEST, value, &request))
			last_us = max_i64(last_us,
			    request.received_at + request.total_us);
		if (f == FAMILY_ATTEMPT &&
		    row_read(ROW_ATTEMPT, value, &attempt))
			last_us = max_i64(last_us,
			    attempt.started_at + attempt.total_us);
	}
	db_scan_free(scan);
	return last_us;
}

int64_t
spend_last_us(struct ledger *l)
{
	return max_i64(last_of(l, FAMILY_REQUEST), last_of(l, FAMILY_ATTEMPT));
}
