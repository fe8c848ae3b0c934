#include "node/rehearsal.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/llm/shape.h"
#include "common/store/decision.h"
#include "common/store/rationale.h"
#include "node/affinity.h"
#include "node/caller.h"
#include "node/eligible.h"
#include "node/finding.h"
#include "node/node.h"
#include "node/order.h"
#include "node/route.h"
#include "node/strategy/contract.h"
#include "node/strategy/script.h"
#include "node/wording.h"
#include "topology/load.h"

/* Of one rehearsal; a request of 4 MiB is the largest that comes. */
#define ARENA_MAX  ((size_t)256 * 1024 * 1024)
#define TREE_MAX   ((size_t)16 * 1024 * 1024) /* as of a request's body */
#define DRAFT_MAX  ((size_t)128 * 1024 * 1024)
#define NOTES_MAX  8
#define NAME_CHARS (4 + ID_TEXT_BYTES)

struct rehearsal {
	struct node *node;
	struct topology *topology;
	struct routes *routes;
	struct token_book *book;
	struct arena arena;
	const struct json_value *root; /* of the request */
	const struct group *group;
	const struct caller *caller; /* NULL: nobody in particular */
	struct shape shape;
	struct id id;
	char id_text[NAME_CHARS];
	int64_t wall_us;
	uint64_t seed;
	struct plan plan;
	enum fail fail; /* FAIL_NONE: it would be tried */
	const char *detail;
	const char *notes[NOTES_MAX];
	size_t notes_count;
};

static void
note(struct rehearsal *r, const char *text)
{
	if (r->notes_count < NOTES_MAX)
		r->notes[r->notes_count++] = text;
}

/* What only Messages has on its top level, or in its tools. */
static bool
looks_like_messages(const struct json_value *root)
{
	static const char *const words[] = { "system", "thinking", "top_k",
		"stop_sequences" };
	const struct json_value *tools = json_find(root, "tools");
	size_t i;

	for (i = 0; i < count_of(words); i++)
		if (json_find(root, words[i]) != NULL)
			return true;
	return tools != NULL && tools->type == JSON_ARRAY &&
	       json_find(tools->first, "input_schema") != NULL;
}

static enum dialect
guess_dialect(const struct json_value *root)
{
	if (json_find(root, "input") != NULL &&
	    json_find(root, "messages") == NULL)
		return DIALECT_RESPONSES;
	return looks_like_messages(root) ? DIALECT_MESSAGES : DIALECT_CHAT;
}

static bool
read_dialect(struct rehearsal *r, struct slice word, enum dialect *out)
{
	*out = guess_dialect(r->root);
	return word.len == 0 || dialect_by_name(out, word);
}

static bool
find_group(struct rehearsal *r, struct slice name, struct buf *why)
{
	const struct node_file *file = r->topology->node;
	size_t i;

	if (name.len == 0)
		name = r->shape.model;
	r->group = node_group(file, name);
	if (r->group != NULL)
		return true;
	buf_printf(why, "no group is named '%.*s'; groups:", SLICE_FMT(name));
	for (i = 0; i < file->groups_count; i++)
		buf_printf(why, " %.*s", SLICE_FMT(file->groups[i].name));
	buf_putc(why, '\n');
	return false;
}

static bool
find_caller(struct rehearsal *r, struct slice name, struct buf *why)
{
	if (name.len == 0)
		return true;
	callers_refresh(r->node->callers, &r->book);
	r->caller = caller_named(r->book, name, r->wall_us);
	if (r->caller == NULL)
		buf_printf(why, "no active token is named '%.*s'\n",
		    SLICE_FMT(name));
	return r->caller != NULL;
}

static void
read_seed(struct rehearsal *r, const struct json_value *wish)
{
	int64_t stated;

	r->id = id_next(&r->node->bench.ids, r->wall_us);
	memcpy(r->id_text, "req_", 4);
	id_write(&r->id, r->id_text + 4);
	memcpy(&r->seed, r->id.bytes + ID_BYTES - sizeof(r->seed),
	    sizeof(r->seed));
	if (json_int(json_find(wish, "seed"), &stated))
		r->seed = (uint64_t)stated;
}

static struct slice
word_of(struct rehearsal *r, const struct json_value *wish, const char *name)
{
	struct slice text;

	return json_text(json_find(wish, name), &r->arena, &text)
		   ? text
		   : slice_of("");
}

static bool
read_wish(struct rehearsal *r, struct slice text, struct buf *why)
{
	const struct json_value *wish;
	struct shape_wish asked = { .operation = OPERATION_GENERATE };
	struct json_error error;
	const char *reason;

	r->arena.max = TREE_MAX;
	wish = json_parse(&r->arena, text, &error);
	r->arena.max = ARENA_MAX;
	r->root = json_find(wish, "request");
	if (wish == NULL || r->root == NULL || r->root->type != JSON_OBJECT) {
		buf_printf(why, "the request is not a JSON object: %s\n",
		    wish == NULL ? error.why : "an object is expected");
		return false;
	}
	if (!read_dialect(r, word_of(r, wish, "dialect"), &asked.dialect)) {
		buf_puts(why, "a dialect is chat, responses or messages\n");
		return false;
	}
	if (!shape_read(&r->shape, &r->arena, r->root, &asked, &reason)) {
		buf_printf(why,
		    "as %s, this would be refused (invalid-request): %s\n",
		    dialect_name(asked.dialect), reason);
		return false;
	}
	read_seed(r, wish);
	return find_group(r, word_of(r, wish, "group"), why) &&
	       find_caller(r, word_of(r, wish, "caller"), why);
}

static uint64_t
warm_target(const struct rehearsal *r)
{
	const struct group *g = r->group;
	uint64_t key;

	if (g->strategy < STRATEGY_SCORE || g->score.affinity_ms == 0 ||
	    r->caller == NULL)
		return 0;
	key = affinity_key(r->root, &r->shape, g->name, r->caller->pseudonym);
	return key == 0
		   ? 0
		   : affinity_find(r->node->affinity, key,
			 g->score.affinity_ms * US_PER_MS, clock_mono_us());
}

static void
consider(struct rehearsal *r)
{
	const struct eligible_wish wish = {
		.routes = routes_of(r->routes, r->group),
		.shape = &r->shape,
		.root = r->root,
		.body_bytes = r->root->raw.len,
		.pinned = slice_of(""),
		.links_up = node_links_up(r->node, r->topology),
		.warm = warm_target(r),
		.now_us = clock_mono_us(),
		.wall_us = r->wall_us,
	};

	eligible_make(&r->plan, &r->arena, &wish);
}

static struct contract_wish
contract_of(const struct rehearsal *r, const struct order_wish *wish)
{
	struct contract_wish contract = {
		.plan = &r->plan,
		.wish = wish,
		.request_id = r->id_text,
		.now_wall_us = r->wall_us,
	};

	if (r->caller != NULL) {
		contract.caller = r->caller->name;
		contract.user = r->caller->user;
		contract.project = r->caller->project;
	}
	return contract;
}

static struct order_wish
order_wish(const struct rehearsal *r)
{
	return (struct order_wish){
		.group = r->group,
		.shape = &r->shape,
		.complexity = complexity_of(&r->shape),
		.seed = r->seed,
	};
}

static void
put_in_order(struct rehearsal *r)
{
	const struct order_wish wish = order_wish(r);
	const struct contract_wish contract = contract_of(r, &wish);
	struct scripts *scripts = scripts_new();

	if (r->group->strategy == STRATEGY_EXTERNAL)
		note(r, "the policy service was not asked: this is the order "
			"without it");
	order_decide(&r->plan, scripts, &contract);
	scripts_free(scripts);
}

/* Who made a blob is known when it is tried; here it is a stranger's. */
static enum blob_kind
made_by_nobody(void *arg, struct slice blob)
{
	(void)arg;
	(void)blob;
	return BLOB_NONE;
}

/* Can this one be told the request? */
static enum fail
word(struct rehearsal *r, struct candidate *c)
{
	const struct wording_wish wish = {
		.topology = r->topology,
		.group = r->group,
		.shape = &r->shape,
		.route = c->route,
		.output_cap = c->route->max_output,
		.answers = r->shape.dialect,
	};
	struct passage_terms terms = wording_terms(&wish);
	struct passage passage = { .dropped = "", .why = "" };
	struct arena draft;
	enum fail fail;

	terms.made = made_by_nobody;
	arena_init(&draft, DRAFT_MAX);
	fail = wording_fail(passage_make(&passage, &draft, r->root, &terms));
	if (fail != FAIL_NONE) {
		c->excluded = EXCLUSION_NOT_CARRIED;
		c->detail = arena_text(&r->arena, slice_of(passage.why));
	} else if (passage.turn != NULL) {
		note(r,
		    arena_printf(&r->arena, "%.*s would be told it as %s%s%s",
			SLICE_FMT(c->route->target),
			dialect_name(passage.target),
			passage.dropped[0] != '\0' ? ", without " : "",
			passage.dropped));
	}
	arena_fini(&draft);
	return fail;
}

/* As a request gives up: by the first that could not be told, or by all. */
static void
give_up(struct rehearsal *r, const struct candidate *unworded, enum fail fail)
{
	int64_t wait_ms;

	r->fail = fail;
	if (unworded != NULL && fail != FAIL_NO_ELIGIBLE_TARGET)
		r->detail = unworded->detail;
	else
		r->fail =
		    eligible_refusal(&r->plan, &r->arena, &r->detail, &wait_ms);
}

static void
rehearse(struct rehearsal *r)
{
	const struct candidate *unworded = NULL;
	size_t open[TARGETS_MAX], i, told = 0;
	enum fail fail, first = FAIL_NO_ELIGIBLE_TARGET;

	if (r->caller != NULL && !caller_may_use(r->caller, r->group->name)) {
		r->fail = FAIL_GROUP_NOT_ALLOWED;
		return;
	}
	r->routes = node_routes(r->node, r->topology);
	consider(r);
	if (plan_open(&r->plan, open) > 0)
		put_in_order(r);
	for (i = 0; i < r->plan.order_count; i++) {
		struct candidate *c = &r->plan.candidates[r->plan.order[i]];

		fail = word(r, c);
		told += fail == FAIL_NONE;
		if (fail == FAIL_NONE || first != FAIL_NO_ELIGIBLE_TARGET)
			continue;
		first = fail;
		unworded = c;
	}
	if (told == 0)
		give_up(r, unworded, first);
}

static bool
is_tried(const struct rehearsal *r, size_t at)
{
	return r->plan.candidates[r->plan.order[at]].excluded == EXCLUSION_NONE;
}

static void
put_answer(const struct rehearsal *r, struct buf *out)
{
	const char *comma = "would be tried: ";
	size_t i;

	if (r->fail != FAIL_NONE) {
		buf_printf(out, "would be refused: %s (%d)", fail_name(r->fail),
		    fail_status(r->fail, r->shape.dialect));
		if (r->detail[0] != '\0')
			buf_printf(out, ": %s", r->detail);
		buf_putc(out, '\n');
		return;
	}
	for (i = 0; i < r->plan.order_count; i++) {
		if (!is_tried(r, i))
			continue;
		buf_printf(out, "%s%.*s", comma,
		    SLICE_FMT(
			r->plan.candidates[r->plan.order[i]].listed->model));
		comma = ", then ";
	}
	buf_putc(out, '\n');
}

static void
put_text(const struct rehearsal *r, const struct decision *d, struct buf *out)
{
	size_t i;

	put_answer(r, out);
	buf_printf(out, "  read as %s, %lld input tokens; seed %lld\n",
	    dialect_name(r->shape.dialect),
	    (long long)r->shape.input_estimate_tokens, (long long)r->seed);
	for (i = 0; i < r->notes_count; i++)
		buf_printf(out, "  %s\n", r->notes[i]);
	if (d == NULL)
		return;
	buf_puts(out, "\ndecision\n  ");
	rationale_sentence(out, d);
	rationale_tables(out, d);
}

static void
put_json(const struct rehearsal *r, const struct decision *d, struct buf *out)
{
	struct json_writer w = { .out = out };
	size_t i;

	json_open(&w, '{');
	json_key(&w, "order");
	json_open(&w, '[');
	for (i = 0; i < r->plan.order_count; i++)
		if (is_tried(r, i))
			json_put_text(&w,
			    r->plan.candidates[r->plan.order[i]].listed->model);
	json_close(&w, ']');
	json_field_text(&w, "fail", slice_of(fail_name(r->fail)));
	json_field_text(&w, "detail", slice_of(r->detail));
	json_field_text(&w, "dialect",
	    slice_of(dialect_name(r->shape.dialect)));
	json_field_int(&w, "seed", (int64_t)r->seed);
	json_key(&w, "notes");
	json_open(&w, '[');
	for (i = 0; i < r->notes_count; i++)
		json_put_text(&w, slice_of(r->notes[i]));
	json_close(&w, ']');
	json_key(&w, "decision");
	if (d != NULL)
		decision_json(d, &w);
	else
		json_put_null(&w);
	json_close(&w, '}');
	buf_putc(out, '\n');
}

static void
put(struct rehearsal *r, bool json, struct buf *out)
{
	const struct order_wish wish = order_wish(r);
	const struct contract_wish contract = contract_of(r, &wish);
	const struct decision *found = NULL;
	struct decision d;

	if (r->plan.candidates != NULL) {
		finding_rows(&d, &r->arena, &contract, &r->id);
		found = &d;
	}
	if (json)
		put_json(r, found, out);
	else
		put_text(r, found, out);
}

int
rehearsal_serve(struct node *n, struct slice wish, bool json, struct buf *out)
{
	struct rehearsal r = {
		.node = n,
		.topology = process_topology(n->process),
		.wall_us = clock_wall_us(),
		.detail = "",
	};
	int status = 400;

	arena_init(&r.arena, ARENA_MAX);
	if (read_wish(&r, wish, out)) {
		if (r.shape.state)
			note(&r, "what the request goes on from is not looked "
				 "at here: only its body is");
		rehearse(&r);
		put(&r, json, out);
		status = 200;
	}
	token_book_release(r.book);
	routes_release(r.routes);
	topology_release(r.topology);
	arena_fini(&r.arena);
	return status;
}
