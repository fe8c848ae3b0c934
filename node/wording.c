#include "node/wording.h"

#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/llm/capability.h"
#include "common/llm/envelope.h"
#include "common/member/worker.h"
#include "common/net/http.h"
#include "node/dialect/bridge.h"
#include "node/foreign.h"
#include "node/node.h"
#include "node/request.h"
#include "topology/load.h"

#define VERSION_FIELD "anthropic-version"
#define BETA_FIELD    "anthropic-beta"

/* Only Messages itself counts tokens; who speaks it is asked in it. */
static unsigned
dialects(const struct wording_wish *w)
{
	if (w->shape->operation == OPERATION_COUNT)
		return w->route->dialects & IN_MESSAGES;
	return w->route->dialects;
}

static unsigned
allowed(const struct topology *t)
{
	const struct team *team = mesh_team(&t->mesh, t->self->team);

	return team != NULL ? team->allow : 0;
}

/* Header fields that go on are checked here, where the caller hears of it. */
static bool
headers_travel(const struct request *r)
{
	return envelope_may_carry(http_header(r->exchange, VERSION_FIELD),
		   API_VERSION_MAX) &&
	       envelope_may_carry(http_header(r->exchange, BETA_FIELD),
		   API_BETA_MAX);
}

struct passage_terms
wording_terms(const struct wording_wish *w)
{
	const struct route *route = w->route;

	return (struct passage_terms){
		.asks = w->shape->dialect,
		.answers = w->answers,
		.operation = w->shape->operation,
		.stream = w->shape->stream,
		.dialects = dialects(w),
		.drop = w->group->drop,
		.allowed = allowed(w->topology),
		.target = {
			.model = route->model,
			.output_cap = w->output_cap,
			.cap_key = route->cap_key,
			.quirks = route->quirks,
			.reasons =
			    (route->supports & CAPABILITY_REASONING) != 0,
			.count = w->shape->operation == OPERATION_COUNT,
		},
	};
}

enum fail
wording_fail(enum passage_end end)
{
	switch (end) {
	case PASSAGE_OK:
		return FAIL_NONE;
	case PASSAGE_INVALID:
	case PASSAGE_NOT_ALLOWED:
		return FAIL_INVALID_REQUEST;
	case PASSAGE_NOT_CARRIED:
		break;
	}
	return FAIL_NO_ELIGIBLE_TARGET;
}

enum fail
wording_make(struct request *r)
{
	const struct wording_wish wish = {
		.topology = r->topology,
		.group = r->group,
		.shape = &r->shape,
		.route = r->round.route,
		.output_cap = admission_cap(r, r->round.route),
		.answers = r->answers,
	};
	struct passage_terms terms = wording_terms(&wish);
	enum passage_end end;
	enum fail fail;

	terms.made = foreign_kind;
	terms.arg = r;
	if (r->shape.dialect == DIALECT_MESSAGES && !headers_travel(r)) {
		r->detail = slice_of("anthropic-version and anthropic-beta "
				     "must be short lists of words.");
		return FAIL_INVALID_REQUEST;
	}
	if (passage_dialect(&r->round.passage.target, terms.dialects,
		terms.asks) &&
	    r->round.passage.target == terms.asks) {
		fail = foreign_remove(r);
		if (fail != FAIL_NONE)
			return fail;
		terms.thoughts_removed = r->round.thoughts_removed;
	}
	end = passage_make(&r->round.passage, r->round.draft, r->root, &terms);
	r->detail = slice_of(r->round.passage.why);
	return wording_fail(end);
}

/* Does a Responses caller want encrypted reasoning beside its text? */
static bool
wants_blobs(const struct request *r)
{
	const struct json_value *include = json_find(r->root, "include"), *v;

	for (v = include != NULL ? include->first : NULL; v != NULL;
	     v = v->next)
		if (value_is(v, "reasoning.encrypted_content"))
			return true;
	return false;
}

/* Of chat's usage event: only a chat request can ask for it. */
static bool
wants_usage(const struct request *r)
{
	return r->shape.wants_usage &&
	       (r->answers != DIALECT_CHAT || r->shape.dialect == DIALECT_CHAT);
}

static struct bridge *
build_bridge(struct request *r)
{
	const struct bridge_wish wish = {
		.from = r->round.passage.target,
		.to = r->answers,
		.turn = r->round.passage.turn,
		.id = r->id_text + REQUEST_ID_PREFIX,
		.created_s = r->received_us / US_PER_SECOND,
		.whole = !r->shape.stream,
		.wants_usage = wants_usage(r),
		.wants_blobs = wants_blobs(r),
	};

	return wish.from == wish.to ? NULL : bridge_new(&wish);
}

void
wording_answer(struct request *r)
{
	bool has_blobs = r->round.passage.target != DIALECT_CHAT;
	const struct relay_wish wish = {
		.exchange = r->exchange,
		.memory = &r->desk->node->process->body_memory,
		.speaks = r->round.passage.target,
		.answers = r->answers,
		.bridge = build_bridge(r),
		.count = r->shape.operation == OPERATION_COUNT,
		.stream = r->shape.stream,
		.wants_usage = wants_usage(r),
		.request_id = slice_of(r->id_text),
		.model = r->shape.model,
		.dropped = r->round.passage.dropped,
		.remaining = &r->remaining,
		.on_answer = has_blobs ? foreign_note : NULL,
		.arg = r,
	};

	/* A stream's head leaves before its tokens are known. */
	if (r->shape.stream)
		remaining_note(r);
	relay_init(&r->relay, &wish);
}

/* A header that only a caller and a target of Messages share. */
static struct slice
shared_header(const struct request *r, const char *name)
{
	if (r->shape.dialect != DIALECT_MESSAGES ||
	    r->round.passage.target != DIALECT_MESSAGES)
		return slice_of("");
	return http_header(r->exchange, name);
}

struct slice
wording_api_version(const struct request *r)
{
	return shared_header(r, VERSION_FIELD);
}

struct slice
wording_api_beta(const struct request *r)
{
	return shared_header(r, BETA_FIELD);
}
