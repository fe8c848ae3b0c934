#pragma once
/*
 * golden_answer: a provider's answer on its way to the caller, as in
 * node/relay.c but without sockets: in pieces of any size, told in the
 * caller's dialect or as it is.  Ids and times are fixed.
 */
#include "common/format/sse.h"
#include "common/llm/scan.h"
#include "node/dialect/bridge.h"
#include "tests/unit/node/golden_case.h"

#define GOLDEN_TEXT_MAX  ((size_t)4 << 20)
#define GOLDEN_EVENT_MAX ((size_t)1 << 20)
#define GOLDEN_ID        "01ARZ3NDEKTSV4RRFFQ69G5FAV"
#define GOLDEN_CREATED_S 1760000000

/* An answer going by, as in node/relay.c. */
struct golden_hearer {
	struct scan scan;
	struct bridge *bridge; /* NULL: it goes as it is */
	struct buf told;
	const char *broken; /* why it was given up, or NULL */
};

static inline void
golden_hearer_init(struct golden_hearer *h, const struct golden_run *run,
    bool whole)
{
	const struct bridge_wish wish = {
		.from = run->passage.target,
		.to = run->answers,
		.turn = run->passage.turn,
		.id = GOLDEN_ID,
		.created_s = GOLDEN_CREATED_S,
		.whole = whole,
		.wants_usage = !golden_flag(run, "no usage wanted"),
		.wants_blobs = golden_wants_blobs(run),
	};

	*h = (struct golden_hearer){ .bridge = NULL };
	scan_init(&h->scan, run->passage.target);
	h->scan.count = run->shape.operation == OPERATION_COUNT;
	buf_init(&h->told, GOLDEN_TEXT_MAX);
	if (wish.from != wish.to)
		h->bridge = bridge_new(&wish);
}

static inline void
golden_hearer_fini(struct golden_hearer *h)
{
	scan_fini(&h->scan);
	bridge_free(h->bridge);
	buf_fini(&h->told);
}

static inline void
golden_take_told(struct golden_hearer *h)
{
	if (h->bridge == NULL)
		return;
	buf_put_slice(&h->told, buf_slice(&h->bridge->out));
	buf_reset(&h->bridge->out);
	if (bridge_broken(h->bridge))
		h->broken = "broken";
}

static inline void
golden_end_bridge(struct golden_hearer *h)
{
	struct usage usage;

	if (h->bridge == NULL)
		return;
	scan_usage(&h->scan, true, &usage);
	bridge_end(h->bridge, &usage);
	golden_take_told(h);
}

static inline void
golden_on_event(void *arg, const struct sse_event *event)
{
	struct golden_hearer *h = arg;
	enum scan_kind kind;

	if (h->broken != NULL || h->scan.done)
		return;
	kind = scan_event(&h->scan, event);
	if (kind == SCAN_ERROR || kind == SCAN_BROKEN) {
		h->broken = kind == SCAN_ERROR ? "error" : "broken";
		return;
	}
	if (h->bridge == NULL) {
		buf_put_slice(&h->told, event->raw);
		return;
	}
	bridge_event(h->bridge, h->scan.root);
	golden_take_told(h);
	if (kind == SCAN_TERMINAL)
		golden_end_bridge(h);
}

/* The provider's events as it sends them. */
static inline struct slice
golden_stream_of(struct golden_run *run, const struct json_value *events)
{
	const struct json_value *v;
	struct slice text;
	struct buf b;

	buf_init(&b, GOLDEN_TEXT_MAX);
	for (v = events->first; v != NULL; v = v->next) {
		text = v->type == JSON_STRING ? inside_of(v) : v->raw;
		sse_write(&b,
		    run->pair->target == DIALECT_CHAT
			? slice_of("")
			: inside_of(json_find(v, "type")),
		    text);
	}
	text = arena_copy(&run->arena, buf_slice(&b));
	buf_fini(&b);
	return text;
}

/* Feed it in pieces: up to `split`, then `step` bytes at a time. */
static inline struct slice
golden_hear_stream(struct golden_run *run, struct slice bytes, size_t split,
    size_t step, struct usage *usage)
{
	struct slice told, rest = slice_after(bytes, split);
	struct golden_hearer h;
	struct sse sse;

	golden_hearer_init(&h, run, false);
	sse_init(&sse, GOLDEN_EVENT_MAX);
	assert_true(
	    sse_feed(&sse, slice_make(bytes.ptr, split), golden_on_event, &h));
	while (rest.len > 0) {
		size_t n = min_size(step, rest.len);

		assert_true(sse_feed(&sse, slice_make(rest.ptr, n),
		    golden_on_event, &h));
		rest = slice_after(rest, n);
	}
	assert_int_equal(sse_rest(&sse).len, 0);
	if (h.broken == NULL && !h.scan.done && scan_complete(&h.scan))
		golden_end_bridge(&h);
	else if (h.broken == NULL && !h.scan.done)
		h.broken = "cut short";
	if (h.broken != NULL)
		sse_write(&h.told, slice_of(""), slice_of(h.broken));
	scan_usage(&h.scan, h.broken == NULL, usage);
	told = arena_copy(&run->arena, buf_slice(&h.told));
	sse_fini(&sse);
	golden_hearer_fini(&h);
	return told;
}
