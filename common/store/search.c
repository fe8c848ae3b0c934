#include "common/store/search.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"

struct search {
	struct ledger *ledger;
	const struct wish *wish;
	struct db_scan *scan;
	size_t left;            /* rows to give */
	size_t looked;          /* rows looked at */
	struct search_key last; /* the one looked at last */
	bool ended;             /* there are no more */
	union search_row row;
};

/* The bytes of a key in the order of the store. */
static int
compare(const struct search_key *a, const struct search_key *b)
{
	int order = memcmp(a->bytes, b->bytes, min_size(a->len, b->len));

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static struct search_key
first_key(const struct wish *w)
{
	struct search_key key = w->after, from;
	struct id id = id_at(w->from_us);

	search_key_set(&from, &id);
	if (w->from_us > 0 && (key.len == 0 || compare(&from, &key) > 0))
		key = from;
	return key;
}

static struct search_key
end_key(const struct wish *w)
{
	struct search_key key = w->before, to;
	struct id id = id_at(w->to_us);

	search_key_set(&to, &id);
	if (w->to_us > 0 && (key.len == 0 || compare(&to, &key) < 0))
		key = to;
	return key;
}

struct search *
search_new(struct ledger *l, const struct wish *wish)
{
	static const enum family families[] = {
		[ROW_REQUEST] = FAMILY_REQUEST,
		[ROW_ATTEMPT] = FAMILY_ATTEMPT,
		[ROW_EVENT] = FAMILY_EVENT,
	};
	struct search_key from = first_key(wish), to = end_key(wish);
	struct search *s = xcalloc(1, sizeof(*s));

	s->ledger = l;
	s->wish = wish;
	s->left = wish->limit;
	/* The store does not like a range that ends before it begins. */
	s->ended = from.len > 0 && to.len > 0 && compare(&from, &to) >= 0;
	if (!s->ended)
		s->scan = db_scan_new(ledger_db(l), families[wish->kind],
		    slice_make(from.bytes, from.len),
		    slice_make(to.bytes, to.len), true);
	return s;
}

void
search_free(struct search *s)
{
	if (s->scan != NULL)
		db_scan_free(s->scan);
	free(s);
}

static bool
same_request(const struct search *s)
{
	static const struct id any;
	const struct id *wanted = &s->wish->request, *id;

	if (memcmp(wanted, &any, sizeof(any)) == 0)
		return true;
	if (s->wish->kind == ROW_REQUEST)
		id = &s->row.request.id;
	else if (s->wish->kind == ROW_ATTEMPT)
		id = &s->row.attempt.request;
	else
		id = &s->row.event.request;
	return memcmp(wanted, id, sizeof(*id)) == 0;
}

static bool
figures_pass(const struct wish *w, struct slice fail, int64_t status,
    int64_t total_us)
{
	return (!w->failed || fail.len > 0) && total_us >= w->slow_us &&
	       (w->status_from == 0 ||
		   (status >= w->status_from && status <= w->status_to));
}

/* At a node by the project of the event's request, at an egress by its team. */
static bool
event_is_in_scope(const struct search *s)
{
	const struct event_row *row = &s->row.event;
	static const struct id none;
	struct request_row request;
	struct buf bytes;
	bool is;

	if (row->team.len > 0)
		return admin_scope_allows(s->wish->scope, row->team,
		    slice_of(""));
	if (memcmp(&row->request, &none, sizeof(none)) == 0)
		return false;
	buf_init(&bytes, ROW_BYTES_MAX);
	is = ledger_request(s->ledger, &row->request, &bytes, &request) &&
	     admin_scope_allows(s->wish->scope, slice_of(""), request.project);
	buf_fini(&bytes);
	return is;
}

static bool
is_in_scope(const struct search *s)
{
	const struct request_row *r = &s->row.request;
	const struct attempt_row *a = &s->row.attempt;

	if (admin_scope_is_all(s->wish->scope))
		return true;
	if (s->wish->kind == ROW_REQUEST)
		return admin_scope_allows(s->wish->scope, slice_of(""),
		    r->project);
	if (s->wish->kind == ROW_ATTEMPT)
		return admin_scope_allows(s->wish->scope, a->team, a->project);
	return event_is_in_scope(s);
}

static bool
passes(const struct search *s)
{
	const struct wish *w = s->wish;
	const struct request_row *r = &s->row.request;
	const struct attempt_row *a = &s->row.attempt;
	struct slice text;
	size_t i;

	for (i = 0; i < w->texts_count; i++) {
		memcpy(&text,
		    (const char *)&s->row + w->texts[i].column->offset,
		    sizeof(text));
		if (!slice_eq(text, w->texts[i].wanted))
			return false;
	}
	if (!same_request(s) || !is_in_scope(s))
		return false;
	if (w->kind == ROW_REQUEST)
		return figures_pass(w, r->fail, r->status, r->total_us);
	if (w->kind == ROW_ATTEMPT)
		return figures_pass(w, a->fail, a->status, a->total_us);
	return true;
}

/* One more is looked at; false: there is none. */
static bool
step(struct search *s, struct slice *value)
{
	struct slice key;

	if (s->ended)
		return false;
	if (!db_scan_next(s->scan, &key, value)) {
		s->ended = true;
		return false;
	}
	assert(key.len <= SEARCH_KEY_MAX);
	memcpy(s->last.bytes, key.ptr, key.len);
	s->last.len = key.len;
	s->looked++;
	return true;
}

const union search_row *
search_next(struct search *s, struct slice *stored)
{
	struct slice value;

	while (
	    s->left > 0 && s->looked < s->wish->rows_max && step(s, &value)) {
		if (!row_read(s->wish->kind, value, &s->row) || !passes(s))
			continue;
		s->left--;
		if (stored != NULL)
			*stored = value;
		return &s->row;
	}
	return NULL;
}

bool
search_rest(const struct search *s, struct search_key *key)
{
	*key = s->last;
	return !s->ended && key->len > 0;
}

bool
search_gave_up(const struct search *s)
{
	return !s->ended && s->left > 0;
}

bool
search_failed(const struct search *s)
{
	return s->scan != NULL && s->ended && db_scan_failed(s->scan);
}

void
search_key_write(const struct search_key *key, char text[SEARCH_KEY_CHARS])
{
	hex_write(text, key->bytes, key->len);
}
