#include "node/recall.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/member/worker.h"
#include "node/caller.h"
#include "node/dialect/raw.h"
#include "node/history.h"
#include "node/node.h"
#include "node/request.h"
#include "topology/load.h"

#define TREE_MAX ((size_t)256 << 20)
#define NO_STATE                                                               \
	"previous_response_id and item references lean on kept answers, and "  \
	"this group keeps none: send the whole conversation, with "            \
	"\"store\": false."

static bool
holds(const struct request *r)
{
	return r->group->responses_state.ttl_ms > 0;
}

/* The new body, in place of the caller's. */
static enum fail
read_again(struct request *r, struct slice body)
{
	struct json_error error;

	return request_parse(r, &r->arena, body, &error)
		   ? FAIL_NONE
		   : FAIL_REQUEST_TOO_LARGE;
}

/* A thread is kept in the provider's account, for all teams. */
static enum fail
refuse_thread(const struct request *r)
{
	const struct json_value *thread = json_find(r->root, "thread");

	if (r->shape.dialect != DIALECT_MESSAGES || thread == NULL ||
	    thread->type == JSON_NULL)
		return FAIL_NONE;
	return FAIL_THREAD_NOT_SERVED;
}

enum fail
recall_expand(struct request *r)
{
	struct history_ask ask = {
		.root = r->root,
		.caller = r->caller->pseudonym,
		.arena = &r->arena,
		.now_us = r->received_us,
	};
	const char *why = "";
	struct slice body;

	if (r->shape.dialect != DIALECT_RESPONSES)
		return refuse_thread(r);
	ask.group = r->group->name;
	ask.max_body_bytes = (size_t)r->topology->node->max_body_bytes;
	if (!holds(r)) {
		r->detail = slice_of(NO_STATE);
		return history_wants(r->root) ? FAIL_INVALID_REQUEST
					      : FAIL_NONE;
	}
	r->keeps = json_find(r->root, "store") == NULL ||
		   json_find(r->root, "store")->type != JSON_FALSE;
	switch (history_expand(r->desk->node->history, &ask, &body, &why)) {
	case HISTORY_SAME:
		break;
	case HISTORY_EXPANDED:
		if (read_again(r, body) != FAIL_NONE)
			return FAIL_REQUEST_TOO_LARGE;
		break;
	case HISTORY_TOO_LARGE:
		r->detail = slice_of(why);
		return FAIL_REQUEST_TOO_LARGE;
	case HISTORY_UNKNOWN:
	case HISTORY_INVALID:
		r->detail = slice_of(why);
		return FAIL_INVALID_REQUEST;
	}
	r->own_items = ask.items;
	r->previous = ask.previous;
	return FAIL_NONE;
}

static void
keep(struct request *r, struct arena *arena, const struct json_value *response)
{
	struct history_entry entry = {
		.caller = r->caller->pseudonym,
		.group = r->group->name,
		.previous = r->previous,
		.input = r->own_items,
		.output = raw_of(response, "output"),
		.ttl_ms = r->group->responses_state.ttl_ms,
		.max_bytes = r->group->responses_state.max_bytes,
		.now_us = clock_wall_us(),
	};

	if (json_text(json_find(response, "id"), arena, &entry.response) &&
	    entry.output.len > 0)
		history_keep(r->desk->node->history, r->desk->worker->turn,
		    &entry);
}

struct keeping {
	struct request *r;
	struct arena arena;
};

/* The last event has all of the response. */
static void
on_event(void *arg, const struct sse_event *event)
{
	struct keeping *k = arg;
	struct json_error error;
	const struct json_value *root;

	if (event->data.len == 0)
		return;
	root = json_parse(&k->arena, event->data, &error);
	if (json_find(root, "response") != NULL)
		keep(k->r, &k->arena, json_find(root, "response"));
}

void
recall_keep(struct request *r)
{
	struct keeping k = { .r = r };
	struct json_error error;
	struct sse sse;

	if (!r->keeps || r->answers != DIALECT_RESPONSES ||
	    r->fail != FAIL_NONE)
		return;
	arena_init(&k.arena, TREE_MAX);
	sse_init(&sse, RELAY_HELD_MAX);
	if (!r->shape.stream)
		keep(r, &k.arena,
		    json_parse(&k.arena, buf_slice(&r->relay.answer), &error));
	else if (!sse_feed(&sse, buf_slice(&r->relay.last), on_event, &k))
		log_warn("an answer could not be kept",
		    log_str("request", r->id_text));
	sse_fini(&sse);
	arena_fini(&k.arena);
}
