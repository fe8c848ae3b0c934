#include "egress/condition.h"

#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/member/process.h"
#include "egress/account.h"
#include "egress/egress.h"
#include "topology/load.h"

#define ARENA_MAX ((size_t)4 * 1024 * 1024) /* names of accounts */
#define PER_1000  1000

/* Under way: writing all of them. */
struct writing {
	struct egress *egress;
	struct arena arena;
	struct table table; /* of text */
	struct json_writer json;
	enum output_format format;
};

/* One target, or an account as a whole. */
struct state {
	struct slice account, model; /* empty: all of the account */
	struct target_look look;     /* its own */
	struct target_look whole;    /* its account's */
};

/* The account is what keeps its targets from being called. */
static bool
is_by_account(const struct state *s)
{
	return s->model.len > 0 && s->whole.state != BACKOFF_CLOSED &&
	       (s->look.state == BACKOFF_CLOSED ||
		   s->whole.wait_us > s->look.wait_us);
}

static const struct target_look *
what_holds(const struct state *s)
{
	return is_by_account(s) ? &s->whole : &s->look;
}

static const char *
state_name(const struct target_look *look)
{
	if (look->state == BACKOFF_CLOSED)
		return "ok";
	return look->state == BACKOFF_OPEN ? "backing-off" : "half-open";
}

static int64_t
until_of(const struct target_look *look)
{
	return look->wait_us > 0 ? clock_wall_us() + look->wait_us : 0;
}

static const char *
why_of(const struct target_look *look)
{
	return look->state == BACKOFF_CLOSED ? ""
					     : backoff_kind_name(look->kind);
}

static void
put_text(struct table *t, const struct state *s)
{
	const struct target_look *holds = what_holds(s);
	const struct sight *seen = &s->look.seen;

	table_text(t, s->account);
	table_text(t, s->model.len > 0 ? s->model : slice_of("(all)"));
	table_text(t, slice_of(state_name(holds)));
	table_text(t, slice_of(why_of(holds)));
	table_text(t, slice_of(is_by_account(s) ? "account" : ""));
	table_int(t, holds->wait_us);
	table_int(t, s->look.turns);
	table_int(t, seen->attempts);
	table_int(t, seen->failures);
	table_int(t, seen->ttft_p50_us);
	table_int(t, seen->total_p50_us);
	table_int(t, seen->total_p95_us);
	table_int(t, (int64_t)(seen->tokens_per_s + 0.5));
}

static void
put_until(struct json_writer *w, int64_t until_us)
{
	char text[CLOCK_TEXT_BYTES];

	json_key(w, "until");
	if (until_us <= 0) {
		json_put_null(w);
		return;
	}
	clock_write(until_us, text);
	json_put_text(w, slice_of(text));
}

static void
put_json(struct json_writer *w, const struct state *s)
{
	const struct target_look *holds = what_holds(s);
	const struct sight *seen = &s->look.seen;

	json_open(w, '{');
	json_field_text(w, "account", s->account);
	json_field_text(w, "model", s->model);
	json_field_text(w, "state", slice_of(state_name(holds)));
	json_field_bool(w, "by_account", is_by_account(s));
	json_field_text(w, "backoff", slice_of(why_of(holds)));
	json_field_int(w, "wait_us", holds->wait_us);
	put_until(w, until_of(holds));
	json_field_int(w, "turns", s->look.turns);
	json_field_int(w, "attempts", seen->attempts);
	json_field_int(w, "failures", seen->failures);
	json_field_int(w, "ttft_p50_us", seen->ttft_p50_us);
	json_field_int(w, "ttft_p95_us", seen->ttft_p95_us);
	json_field_int(w, "total_p50_us", seen->total_p50_us);
	json_field_int(w, "total_p95_us", seen->total_p95_us);
	json_field_int(w, "tokens_per_ks",
	    (int64_t)(seen->tokens_per_s * PER_1000 + 0.5));
	json_close(w, '}');
}

static void
put(struct writing *w, const struct state *s)
{
	if (w->format == OUTPUT_TEXT)
		put_text(&w->table, s);
	else
		put_json(&w->json, s);
}

static void
put_account(struct writing *w, const struct provider *p, struct slice account)
{
	struct accounts *accounts = w->egress->accounts;
	int64_t now_us = clock_mono_us();
	struct state s = { .account = account };
	size_t i;

	account_stand(accounts, account, slice_of(""), now_us, &s.look);
	put(w, &s);
	s.whole = s.look;
	for (i = 0; i < p->models_count; i++) {
		s.model = p->models[i].name;
		account_stand(accounts, account, s.model, now_us, &s.look);
		put(w, &s);
	}
}

static void
put_all(struct writing *w, const struct topology *t)
{
	const struct egress_file *file = t->egress;
	size_t i, k;

	for (i = 0; i < file->providers_count; i++) {
		const struct provider *p = &file->providers[i];

		put_account(w, p, p->name);
		for (k = 0; k < p->team_keys_count; k++)
			put_account(w, p,
			    account_name(&w->arena, p, p->team_keys[k].team));
	}
}

void
condition_write(struct egress *g, enum output_format format, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "account", CELL_TEXT },
		{ "model", CELL_TEXT },
		{ "state", CELL_TEXT },
		{ "for", CELL_TEXT },
		{ "by", CELL_TEXT },
		{ "wait", CELL_US },
		{ "times", CELL_INT },
		{ "attempts", CELL_INT },
		{ "failures", CELL_INT },
		{ "first p50", CELL_US },
		{ "total p50", CELL_US },
		{ "total p95", CELL_US },
		{ "tokens/s", CELL_INT },
	};
	struct topology *t = process_topology(g->process);
	struct writing w = { .egress = g,
		.json = { .out = out },
		.format = format };

	arena_init(&w.arena, ARENA_MAX);
	if (format == OUTPUT_TEXT) {
		table_open(&w.table, out, OUTPUT_TEXT, columns,
		    count_of(columns));
		put_all(&w, t);
		table_close(&w.table);
	} else {
		json_open(&w.json, '[');
		put_all(&w, t);
		json_close(&w.json, ']');
		buf_putc(out, '\n');
	}
	arena_fini(&w.arena);
	topology_release(t);
}
