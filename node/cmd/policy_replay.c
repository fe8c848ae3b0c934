#include <inttypes.h>
#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/format/moment.h"
#include "common/format/table.h"
#include "common/member/identity.h"
#include "node/cmd/commands.h"
#include "node/cmd/source.h"
#include "node/policy/sandbox.h"
#include "node/strategy/precedent.h"
#include "node/strategy/script.h"

#define TEXT_MAX    ((size_t)64 << 20)
#define WHY_MAX     ((size_t)64 << 10)
#define ARENA_BYTES ((size_t)64 << 20)
#define LIMIT       1000
#define LIMIT_MAX   1000000
#define CHANGES_MAX 1024 /* kinds of change; more are counted as one */
#define ERRORS_MAX  16
#define WALL_US     US_PER_SECOND
#define INVALID     "not-allowed"
#define NOBODY      "(none)"

struct options {
	const char *state, *topology, *group, *policy, *tsc, *since;
	int64_t limit, cpu_ms, memory_bytes;
	bool each, json;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "group", "NAME", OPTION_TEXT, offsetof(struct options, group), true,
	    0, 0, "whose decisions" },
	{ "policy", "FILE", OPTION_TEXT, offsetof(struct options, policy),
	    false, 0, 0, "a policy: .js as built, or .ts" },
	{ "topology", "DIR", OPTION_TEXT, offsetof(struct options, topology),
	    false, 0, 0, "instead of --policy: the group's present script" },
	{ "since", "TIME", OPTION_TEXT, offsetof(struct options, since), false,
	    0, 0, "not older than that: 2h, 7d; default: 24h" },
	{ "limit", "N", OPTION_INT, offsetof(struct options, limit), false, 1,
	    LIMIT_MAX, "newest decisions; default: 1000" },
	{ "each", NULL, OPTION_FLAG, offsetof(struct options, each), false, 0,
	    0, "list every decision that would be another" },
	{ "tsc", "PATH", OPTION_TEXT, offsetof(struct options, tsc), false, 0,
	    0, "TypeScript's compiler; default: $GSR_TSC, tsc in $PATH" },
	{ "cpu-ms", "N", OPTION_INT, offsetof(struct options, cpu_ms), false, 1,
	    1000, "CPU time of a call; default: as the group says, else 5" },
	{ "memory-bytes", "N", OPTION_INT,
	    offsetof(struct options, memory_bytes), false, SANDBOX_MEMORY_MIN,
	    SANDBOX_MEMORY_MAX,
	    "memory of a call; default: as the group says, else 4194304" },
	JSON_OPTION(struct options),
};

/* Requests that would go from one first target to another. */
struct change {
	struct slice from, to;
	int64_t requests, cost_microusd; /* by how much dearer, estimated */
};

struct error {
	const char *why;
	int64_t requests;
	struct slice example; /* of what the first one said */
};

struct replay {
	const struct options *options;
	struct arena arena;
	struct sandbox *sandbox;
	struct slice group;
	struct buf input, answer, why;
	struct buf each; /* JSON, or lines */
	struct table each_table;
	int64_t left;
	int64_t decisions, same, other, failed, unreadable;
	int64_t cost_microusd; /* of all others */
	int64_t newest_us, oldest_us;
	struct change changes[CHANGES_MAX];
	size_t changes_count;
	struct error errors[ERRORS_MAX];
	size_t errors_count;
};

static const struct table_column each_columns[] = {
	{ "request", CELL_TEXT },
	{ "at", CELL_TIME },
	{ "from", CELL_TEXT },
	{ "to", CELL_TEXT },
	{ "dearer", CELL_MICROUSD },
};

static struct change *
change_of(struct replay *r, struct slice from, struct slice to)
{
	struct change *c;
	size_t i;

	for (i = 0; i < r->changes_count; i++) {
		c = &r->changes[i];
		if (slice_eq(c->from, from) && slice_eq(c->to, to))
			return c;
	}
	if (r->changes_count == CHANGES_MAX)
		return &r->changes[CHANGES_MAX - 1];
	c = &r->changes[r->changes_count++];
	*c = (struct change){ .from = arena_copy(&r->arena, from),
		.to = arena_copy(&r->arena, to) };
	if (r->changes_count == CHANGES_MAX)
		c->from = c->to = slice_of("(others)");
	return c;
}

static void
note_change(struct replay *r, const struct precedent *p,
    const struct candidate_row *first, const struct candidate *now)
{
	struct slice from = first != NULL ? first->target : slice_of(NOBODY);
	struct slice to = now != NULL ? now->listed->model : slice_of(NOBODY);
	int64_t dearer = (now != NULL ? now->cost_microusd : 0) -
			 (first != NULL ? first->cost_microusd : 0);
	struct change *c = change_of(r, from, to);

	c->requests++;
	c->cost_microusd += dearer;
	r->other++;
	r->cost_microusd += dearer;
	if (!r->options->each)
		return;
	table_text(&r->each_table, slice_of(p->request_id));
	table_int(&r->each_table, p->contract.now_wall_us);
	table_text(&r->each_table, from);
	table_text(&r->each_table, to);
	table_int(&r->each_table, dearer);
}

static void
note_error(struct replay *r, const char *why, struct slice said)
{
	size_t i;

	r->failed++;
	for (i = 0; i < r->errors_count; i++)
		if (strcmp(r->errors[i].why, why) == 0)
			break;
	if (i == ERRORS_MAX)
		return;
	if (i == r->errors_count)
		r->errors[r->errors_count++] = (struct error){ .why = why,
			.example = arena_copy(&r->arena, said) };
	r->errors[i].requests++;
}

static void
ask(struct replay *r, struct precedent *p, const struct candidate_row *first)
{
	const struct candidate *now = NULL;
	struct sandbox_ask question = {
		.now_ms = p->contract.now_wall_us / US_PER_MS,
		.seed = (uint32_t)p->wish.seed,
	};
	enum sandbox_end end;

	buf_reset(&r->input);
	buf_reset(&r->why);
	contract_write(&r->input, &p->contract);
	question.input = buf_slice(&r->input);
	end = sandbox_call(r->sandbox, &question, &r->answer);
	if (end != SANDBOX_OK) {
		note_error(r, sandbox_end_name(end), buf_slice(&r->answer));
		return;
	}
	if (!script_take(&p->plan, buf_slice(&r->answer), &r->why)) {
		note_error(r, INVALID, buf_slice(&r->why));
		return;
	}
	if (p->plan.order_count > 0)
		now = &p->plan.candidates[p->plan.order[0]];
	if (first != NULL && now != NULL &&
	    slice_eq(first->target, now->listed->model))
		r->same++;
	else
		note_change(r, p, first, now);
}

static bool
on_decision(void *arg, const struct decision *d)
{
	struct replay *r = arg;
	size_t open[TARGETS_MAX];
	struct precedent p;

	if (!slice_eq(d->row.group, r->group))
		return true;
	if (!precedent_read(&p, d)) {
		r->unreadable++;
		return true;
	}
	/* Nobody could be tried then: no policy was or would be asked. */
	if (plan_open(&p.plan, open) == 0)
		return true;
	r->decisions++;
	r->oldest_us = d->row.decided_at;
	if (r->newest_us == 0)
		r->newest_us = d->row.decided_at;
	ask(r, &p, precedent_first(d));
	return --r->left > 0;
}

static void
put_errors(const struct replay *r, enum output_format format, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "why", CELL_TEXT },
		{ "requests", CELL_INT },
		{ "first_said", CELL_TEXT },
	};
	struct table t;
	size_t i;

	table_open(&t, out, format, columns, count_of(columns));
	for (i = 0; i < r->errors_count; i++) {
		table_text(&t, slice_of(r->errors[i].why));
		table_int(&t, r->errors[i].requests);
		table_text(&t, r->errors[i].example);
	}
	table_close(&t);
}

static void
put_changes(const struct replay *r, enum output_format format, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "from", CELL_TEXT },
		{ "to", CELL_TEXT },
		{ "requests", CELL_INT },
		{ "dearer", CELL_MICROUSD },
	};
	struct table t;
	size_t i;

	table_open(&t, out, format, columns, count_of(columns));
	for (i = 0; i < r->changes_count; i++) {
		table_text(&t, r->changes[i].from);
		table_text(&t, r->changes[i].to);
		table_int(&t, r->changes[i].requests);
		table_int(&t, r->changes[i].cost_microusd);
	}
	table_close(&t);
}

static void
put_text(struct replay *r, struct buf *out)
{
	buf_printf(out, "%" PRId64 " decisions of group '%.*s', ", r->decisions,
	    SLICE_FMT(r->group));
	cell_write(out, CELL_TIME, r->oldest_us);
	buf_puts(out, " to ");
	cell_write(out, CELL_TIME, r->newest_us);
	buf_printf(out, "\n%10" PRId64 "  the same target first\n", r->same);
	buf_printf(out, "%10" PRId64 "  another target first", r->other);
	if (r->other > 0) {
		buf_puts(out,
		    r->cost_microusd < 0 ? ", cheaper by " : ", dearer by ");
		cell_write(out, CELL_MICROUSD,
		    r->cost_microusd < 0 ? -r->cost_microusd
					 : r->cost_microusd);
		buf_puts(out, " as estimated");
	}
	buf_printf(out,
	    "\n%10" PRId64 "  no order: the fallback would decide\n",
	    r->failed);
	if (r->unreadable > 0)
		buf_printf(out, "%10" PRId64 "  could not be read\n",
		    r->unreadable);
	if (r->changes_count > 0) {
		buf_puts(out, "\nanother target first\n");
		put_changes(r, OUTPUT_TEXT, out);
	}
	if (r->errors_count > 0) {
		buf_puts(out, "\nno order\n");
		put_errors(r, OUTPUT_TEXT, out);
	}
	if (r->options->each && r->other > 0)
		buf_printf(out, "\neach\n%s", buf_text(&r->each));
}

/* A table's JSON is whole, with a line end that has no place here. */
static void
put_list(struct json_writer *w, const char *name, struct buf *list)
{
	struct slice text = buf_slice(list);

	while (text.len > 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	json_key(w, name);
	json_put_raw(w, text);
	buf_reset(list);
}

static void
put_json(struct replay *r, struct buf *out)
{
	struct json_writer w = { .out = out };
	struct buf list;

	buf_init(&list, TEXT_MAX);
	json_open(&w, '{');
	json_field_text(&w, "group", r->group);
	json_field_int(&w, "decisions", r->decisions);
	json_field_int(&w, "same", r->same);
	json_field_int(&w, "other", r->other);
	json_field_int(&w, "failed", r->failed);
	json_field_int(&w, "unreadable", r->unreadable);
	json_field_int(&w, "dearer", r->cost_microusd);
	put_changes(r, OUTPUT_JSON, &list);
	put_list(&w, "changes", &list);
	put_errors(r, OUTPUT_JSON, &list);
	put_list(&w, "errors", &list);
	if (r->options->each)
		put_list(&w, "each", &r->each);
	json_close(&w, '}');
	buf_putc(out, '\n');
	buf_fini(&list);
}

static bool
run_all(struct replay *r, struct ledger *l, int64_t since_us)
{
	const struct options *o = r->options;
	const struct decision_window window = {
		.from_us = clock_wall_us() - since_us,
		.limit = SIZE_MAX,
	};
	enum output_format format = o->json ? OUTPUT_JSON : OUTPUT_TEXT;
	struct decision_reader reader = { .each = on_decision, .arg = r };
	struct buf out;

	if (o->each)
		table_open(&r->each_table, &r->each, format, each_columns,
		    count_of(each_columns));
	decision_each(l, &window, &reader);
	if (o->each)
		table_close(&r->each_table);
	r->unreadable += (int64_t)reader.damaged;
	if (r->decisions == 0 && r->unreadable == 0) {
		fprintf(stderr,
		    "no decision of group '%s' in that time could have been "
		    "a policy's\n",
		    o->group);
		return false;
	}
	buf_init(&out, TEXT_MAX);
	if (o->json)
		put_json(r, &out);
	else
		put_text(r, &out);
	fwrite(out.data, 1, out.len, stdout);
	if (out.failed || r->each.failed)
		fprintf(stderr, "that is too much to list; take --limit\n");
	buf_fini(&out);
	return true;
}

static bool
load(struct replay *r, struct slice source, const struct script_policy *policy,
    const char *name)
{
	const struct options *o = r->options;
	struct sandbox_spec spec = {
		.source = source,
		.name = name,
		.memory_bytes = (size_t)o->memory_bytes,
		.cpu_us = o->cpu_ms * US_PER_MS,
		.wall_us = WALL_US,
	};

	if (policy != NULL && spec.memory_bytes == 0)
		spec.memory_bytes = (size_t)policy->memory_bytes;
	if (policy != NULL && spec.cpu_us == 0)
		spec.cpu_us = policy->cpu_ms * US_PER_MS;
	r->sandbox = sandbox_new(&spec, &r->why);
	return r->sandbox != NULL || source_complain(name, buf_text(&r->why));
}

static bool
load_present(struct replay *r, const struct topology *t)
{
	const struct group *g;

	if (t->node == NULL)
		return source_complain(r->options->topology,
		    "has no node file of this member");
	g = node_group(t->node, r->group);
	if (g == NULL)
		return source_complain(r->options->group,
		    "no group of the node file has that name");
	if (g->strategy != STRATEGY_SCRIPT)
		return source_complain(r->options->group,
		    "is not of strategy script: say --policy FILE");
	return load(r, g->script.code, &g->script, g->script.file.ptr);
}

/* The folder is verified as a member does it. */
static bool
load_by_topology(struct replay *r)
{
	const struct options *o = r->options;
	struct topology *t = NULL;
	struct identity identity;
	struct topology_pin pin;
	struct buf why;
	bool loaded = false;

	buf_init(&why, WHY_MAX);
	if (identity_open(&identity, o->state, &why)) {
		identity_pin(&identity, &pin);
		t = topology_load(o->topology, &pin, &why);
		loaded = t != NULL && load_present(r, t);
		topology_release(t);
		identity_close(&identity);
	}
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	return loaded;
}

static bool
load_policy(struct replay *r)
{
	const struct options *o = r->options;
	struct slice source;

	if (o->policy == NULL)
		return load_by_topology(r);
	return source_policy(&r->arena, o->tsc, o->policy, &source) &&
	       load(r, source, NULL, o->policy);
}

/* Some 50 KiB: not on the stack that the sandbox runs on. */
static bool
replay(const struct options *o, int64_t since_us)
{
	struct replay *r;
	struct arena arena;
	struct ledger *l;
	bool told = false;

	arena_init(&arena, ARENA_BYTES);
	r = arena_many(&arena, struct replay, 1);
	r->options = o;
	r->group = slice_of(o->group);
	r->left = o->limit > 0 ? o->limit : LIMIT;
	arena_init(&r->arena, ARENA_BYTES);
	buf_init(&r->input, SANDBOX_INPUT_MAX);
	buf_init(&r->answer, SANDBOX_ANSWER_MAX);
	buf_init(&r->why, WHY_MAX);
	buf_init(&r->each, TEXT_MAX);
	if (load_policy(r) && (l = ask_store(o->state)) != NULL) {
		told = run_all(r, l, since_us);
		ledger_close(l);
	}
	sandbox_free(r->sandbox);
	buf_fini(&r->each);
	buf_fini(&r->why);
	buf_fini(&r->answer);
	buf_fini(&r->input);
	arena_fini(&r->arena);
	arena_fini(&arena);
	return told;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	int64_t since_us = (int64_t)24 * 3600 * US_PER_SECOND;

	(void)count;
	(void)operands;
	if ((o->policy != NULL) == (o->topology != NULL)) {
		fprintf(stderr, "say which policy: --policy FILE, or "
				"--topology DIR for the group's own\n");
		return 2;
	}
	if (o->since != NULL && !span_read(slice_of(o->since), &since_us)) {
		fprintf(stderr, "--since is a number and s, m, h or d: 24h\n");
		return 2;
	}
	return replay(o, since_us) ? 0 : 1;
}

const struct command cmd_policy_replay = {
	.name = "policy replay",
	.summary = "what a policy would have decided for requests that were",
	.text =
	    "Asks a policy about the stored decisions of a group, as its "
	    "requests and targets\nlooked then, and tells how many would have "
	    "gone elsewhere, from where to where, and\nwhat that would have "
	    "cost, as estimated then.  Works for a group of any strategy, so "
	    "a\npolicy can be tried before it decides.  Reads the store only, "
	    "whether the node runs or\nnot; nothing is called.\n\n"
	    "Example:  gsr-node policy replay --group coding --policy "
	    "cheapest.ts \\\n            --since 7d --state /var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
