#include "egress/meter.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/format/table.h"
#include "common/member/gatehouse.h"
#include "common/member/metrics.h"
#include "egress/account.h"
#include "egress/egress.h"
#include "topology/load.h"

#define ARENA_MAX ((size_t)16 * 1024 * 1024)
#define CELL_MAX  48

static void
look_at_model(struct meter_reading *r, struct egress *g, const struct model *m)
{
	const struct account_target of = { m, r->account };

	r->closed = account_look(g->accounts, &of, clock_mono_us(), &r->state);
}

static void
add(struct meter *m, struct egress *g, const struct provider *p,
    struct slice account)
{
	struct gate *gate =
	    gatehouse_account(g->gates, account, p, m->topology->serial);
	size_t i;

	for (i = 0; i <= p->models_count; i++) {
		struct meter_reading *r = &m->readings[m->count++];

		r->account = account;
		r->model = i > 0 ? p->models[i - 1].name : slice_of("");
		r->shaped = gate != NULL;
		if (gate != NULL)
			gate_look(gate, r->model, &r->look, clock_mono_us());
		if (i > 0)
			look_at_model(r, g, &p->models[i - 1]);
	}
}

static size_t
readings_of(const struct egress_file *file)
{
	size_t i, count = 0;

	for (i = 0; i < file->providers_count; i++)
		count += (file->providers[i].models_count + 1) *
			 (file->providers[i].team_keys_count + 1);
	return count;
}

void
meter_read(struct meter *m, struct egress *g)
{
	const struct egress_file *file;
	size_t i, k;

	*m = (struct meter){ .topology = process_topology(g->process) };
	arena_init(&m->arena, ARENA_MAX);
	file = m->topology->egress;
	m->room = readings_of(file);
	m->readings = arena_many(&m->arena, struct meter_reading, m->room);
	for (i = 0; i < file->providers_count; i++) {
		const struct provider *p = &file->providers[i];

		add(m, g, p, p->name);
		for (k = 0; k < p->team_keys_count; k++)
			add(m, g, p,
			    account_name(&m->arena, p, p->team_keys[k].team));
	}
}

void
meter_fini(struct meter *m)
{
	topology_release(m->topology);
	arena_fini(&m->arena);
}

static const char *
state_of(const struct meter_reading *r)
{
	if (!r->closed)
		return "open";
	return r->state.half_open ? "probing" : "backing off";
}

/* "82/5000": left at once, and a minute's worth; nothing where it is any. */
static void
put_share(struct table *t, int64_t left, int64_t of)
{
	char cell[CELL_MAX] = "";

	if (of > 0)
		snprintf(cell, sizeof(cell), "%lld/%lld", (long long)left,
		    (long long)of);
	table_text(t, slice_of(cell));
}

void
meter_text(const struct meter *m, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "account", CELL_TEXT },
		{ "model", CELL_TEXT },
		{ "state", CELL_TEXT },
		{ "for", CELL_TEXT },
		{ "wait", CELL_US },
		{ "rpm left", CELL_TEXT },
		{ "input_tpm left", CELL_TEXT },
		{ "output_tpm left", CELL_TEXT },
		{ "tpm left", CELL_TEXT },
		{ "under way", CELL_TEXT },
		{ "waiting", CELL_INT },
	};
	struct table t;
	size_t i, b;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < m->count; i++) {
		const struct meter_reading *r = &m->readings[i];
		const struct gate_look *look = &r->look;

		table_text(&t, r->account);
		table_text(&t, r->model.len > 0 ? r->model : slice_of("(all)"));
		table_text(&t, slice_of(r->model.len > 0 ? state_of(r) : ""));
		table_text(&t,
		    slice_of(
			r->closed ? backoff_kind_name(r->state.kind) : ""));
		table_int(&t, r->closed ? r->state.wait_us : 0);
		for (b = 0; b < SHAPER_RATES; b++)
			put_share(&t, look->left[b], look->rate[b]);
		put_share(&t, look->running, look->concurrent);
		table_int(&t, look->waiting);
	}
	table_close(&t);
}

static void
write_rate(struct json_writer *w, const struct gate_look *look,
    enum shaper_bucket b)
{
	json_key(w, shaper_bucket_name(b));
	if (look->rate[b] == 0) {
		json_put_null(w);
		return;
	}
	json_open(w, '{');
	json_field_int(w, "a_minute", look->rate[b]);
	json_field_int(w, "left", look->left[b]);
	json_close(w, '}');
}

void
meter_json(const struct meter *m, struct buf *out)
{
	struct json_writer w = { .out = out };
	enum shaper_bucket b;
	size_t i;

	json_open(&w, '[');
	for (i = 0; i < m->count; i++) {
		const struct meter_reading *r = &m->readings[i];

		json_open(&w, '{');
		json_field_text(&w, "account", r->account);
		json_field_text(&w, "model", r->model);
		json_field_text(&w, "state", slice_of(state_of(r)));
		json_field_text(&w, "backoff",
		    slice_of(
			r->closed ? backoff_kind_name(r->state.kind) : ""));
		json_field_int(&w, "wait_us", r->closed ? r->state.wait_us : 0);
		for (b = SHAPER_STARTS; b < SHAPER_RATES; b++)
			write_rate(&w, &r->look, b);
		json_field_int(&w, "running", r->look.running);
		json_field_int(&w, "concurrent", r->look.concurrent);
		json_field_int(&w, "waiting", r->look.waiting);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	buf_putc(out, '\n');
}

/* One number of each account and model. */
struct gauge {
	const char *name, *help;
	double (*read)(const struct meter_reading *r);
};

static double
read_running(const struct meter_reading *r)
{
	return (double)r->look.running;
}

static double
read_waiting(const struct meter_reading *r)
{
	return (double)r->look.waiting;
}

static double
read_open(const struct meter_reading *r)
{
	return !r->closed;
}

static double
read_backoff(const struct meter_reading *r)
{
	return r->closed ? (double)r->state.wait_us / US_PER_SECOND : 0;
}

/* Of the fullest rate, what is taken of its burst; above 1 is a debt. */
static double
read_used(const struct meter_reading *r)
{
	double used, most = 0;
	size_t b;

	for (b = 0; b < SHAPER_RATES; b++) {
		if (r->look.rate[b] == 0)
			continue;
		used = 1 - (double)r->look.left[b] / (double)r->look.burst[b];
		most = used > most ? used : most;
	}
	return most;
}

static const struct gauge gauges[] = {
	{ "gsr_account_up", "1 when it may be called now", read_open },
	{ "gsr_account_backoff_seconds",
	    "how long it is left alone; 0 when it is not", read_backoff },
	{ "gsr_account_running", "shaped calls under way", read_running },
	{ "gsr_account_waiting", "calls that wait for their turn",
	    read_waiting },
	{ "gsr_account_used_ratio",
	    "of its fullest rate, the part of the burst that is taken",
	    read_used },
};

void
meter_metrics(const struct meter *m, struct buf *out)
{
	size_t g, i;

	for (g = 0; g < count_of(gauges); g++) {
		metrics_family(out, gauges[g].name, "gauge", gauges[g].help);
		for (i = 0; i < m->count; i++) {
			const struct metric_label labels[] = {
				{ "account", m->readings[i].account },
				{ "model", m->readings[i].model },
			};

			metrics_sample(out, gauges[g].name, labels, 2,
			    gauges[g].read(&m->readings[i]));
		}
	}
}
