#include "node/account.h"

#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/member/balance.h"
#include "common/store/decision.h"
#include "common/store/dossier.h"
#include "node/caller.h"

#define ID_PREFIX "req_"

static void
put_text(struct json_writer *w, const char *name, struct slice text)
{
	json_key(w, name);
	if (text.len > 0)
		json_put_text(w, text);
	else
		json_put_null(w);
}

static void
put_time(struct json_writer *w, const char *name, int64_t wall_us)
{
	char text[CLOCK_TEXT_BYTES] = "";

	if (wall_us > 0 && wall_us <= ROW_TIME_MAX)
		clock_write(wall_us, text);
	put_text(w, name, slice_of(text));
}

/* Null where it did not happen; never 0 for what did. */
static void
put_ms(struct json_writer *w, const char *name, int64_t us)
{
	json_key(w, name);
	if (us > 0)
		json_put_int(w, (us + US_PER_MS - 1) / US_PER_MS);
	else
		json_put_null(w);
}

/* None was told or came yet. */
static void
put_status(struct json_writer *w, int64_t status, bool is_open)
{
	json_key(w, "status");
	if (is_open || status == 0)
		json_put_null(w);
	else
		json_put_int(w, status);
}

static void
put_tokens(struct json_writer *w, const struct request_row *r)
{
	json_key(w, "tokens");
	json_open(w, '{');
	json_field_int(w, "input", r->input_tokens);
	json_field_int(w, "cache_read", r->cache_read_tokens);
	json_field_int(w, "cache_write", r->cache_write_tokens);
	json_field_int(w, "cache_write_1h", r->cache_write_1h_tokens);
	json_field_int(w, "output", r->output_tokens);
	json_field_int(w, "reasoning", r->reasoning_tokens);
	put_text(w, "source", r->usage_source);
	json_close(w, '}');
}

static void
put_request(struct json_writer *w, const struct request_row *r)
{
	char id[sizeof(ID_PREFIX) + ID_TEXT_BYTES] = ID_PREFIX;

	id_write(&r->id, id + strlen(ID_PREFIX));
	json_field_text(w, "id", slice_of(id));
	json_field_text(w, "object", slice_of("router.request"));
	json_field_text(w, "state", r->state);
	put_time(w, "received_at", r->received_at);
	put_text(w, "group", r->group);
	put_text(w, "strategy", r->strategy);
	put_text(w, "target", r->target);
	put_status(w, r->status, dossier_is_open(r->state));
	put_text(w, "error", r->fail);
	put_tokens(w, r);
	balance_put_usd(w, "cost_usd", r->cost_microusd);
}

static void
put_attempt(void *arg, const struct attempt_row *a)
{
	struct json_writer *w = arg;

	json_open(w, '{');
	json_field_int(w, "number", a->number);
	json_field_text(w, "state", a->state);
	json_field_text(w, "target", a->target);
	put_status(w, a->status, dossier_is_open(a->state));
	put_text(w, "error", a->fail);
	put_text(w, "class", a->class);
	json_field_bool(w, "again", a->again != 0);
	put_time(w, "started_at", a->started_at);
	put_ms(w, "first_byte_ms", a->first_byte_us);
	put_ms(w, "total_ms", a->total_us);
	json_close(w, '}');
}

static void
put_candidate(struct json_writer *w, const struct candidate_row *c)
{
	json_open(w, '{');
	json_field_text(w, "target", c->target);
	json_key(w, "rank");
	if (c->rank > 0)
		json_put_int(w, c->rank);
	else
		json_put_null(w);
	put_text(w, "excluded", c->excluded);
	put_text(w, "detail", c->detail);
	json_close(w, '}');
}

static void
put_routing(struct json_writer *w, const struct decision *d)
{
	size_t i;

	json_open(w, '{');
	put_text(w, "by", d->row.by);
	put_text(w, "decider", d->row.decider);
	put_text(w, "failed", d->row.failed);
	json_key(w, "candidates");
	json_open(w, '[');
	for (i = 0; i < d->count; i++)
		put_candidate(w, &d->candidates[i]);
	json_close(w, ']');
	json_close(w, '}');
}

/* The name may be that of an earlier token, whose requests are older. */
static bool
is_own(const struct request_row *r, const struct caller *c)
{
	return slice_eq(r->caller, c->name) && r->received_at >= c->created_us;
}

bool
account_write(struct buf *out, struct ledger *l, const struct caller *caller,
    struct slice id)
{
	struct json_writer w = { .out = out };
	struct request_row row;
	struct decision d;
	struct buf bytes;
	struct id key;
	bool found;

	buf_init(&bytes, ROW_BYTES_MAX);
	found = slice_starts(id, ID_PREFIX) &&
		id_parse(&key, slice_after(id, strlen(ID_PREFIX))) &&
		dossier_request(l, &key, &bytes, &row) && is_own(&row, caller);
	if (!found)
		goto out;
	json_open(&w, '{');
	put_request(&w, &row);
	json_key(&w, "attempts");
	json_open(&w, '[');
	dossier_attempts(l, &key, put_attempt, &w);
	json_close(&w, ']');
	json_key(&w, "routing");
	if (decision_get(l, &key, &bytes, &d))
		put_routing(&w, &d);
	else
		json_put_null(&w);
	json_close(&w, '}');
out:
	buf_fini(&bytes);
	return found;
}
