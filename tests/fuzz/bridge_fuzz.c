/*
 * A provider's answer on its way through a relay.  The first byte chooses the
 * pair of dialects, stream or whole, and what the caller wants; the second
 * how the bytes come in pieces, which must not matter.  What the caller gets
 * is all of its dialect: of a stream that is complete the last event is the
 * terminal one, and the only one; of one that is not there is none.
 */
#include <assert.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/limit/allowance.h"
#include "node/dialect/bridge.h"
#include "node/relay.h"
#include "tests/unit/node/exchange.h"

#define ARENA_MAX  ((size_t)256 << 20)
#define MEMORY_MAX ((size_t)64 << 20)
#define OUT_MAX    (16u << 20)

/* One of each kind of tool, so that calls of all of them are undone. */
#define ASKED                                                                  \
	"{\"model\":\"m\",\"input\":\"hi\",\"tools\":[{\"type\":\"function\"," \
	"\"name\":\"f\",\"parameters\":{}},{\"type\":\"custom\",\"name\":"     \
	"\"patch\"},{\"type\":\"namespace\",\"name\":\"s\",\"tools\":[{"       \
	"\"type\":\"function\",\"name\":\"g\",\"parameters\":{}}]},{\"type\":" \
	"\"tool_search\",\"execution\":\"client\",\"parameters\":{}}]}"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct wish {
	enum dialect from, to;
	bool stream, usage, blobs;
	unsigned step; /* bytes a piece, about; 0: all at once */
};

struct caller_saw {
	struct scan scan;
	unsigned ends, events, behind; /* the end */
	bool error, numbered;
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : 1;
}

static void
ask(struct turn *t, struct arena *arena)
{
	struct json_error error;
	const char *why;

	turn_init(t, arena, DIALECT_RESPONSES);
	if (!caller_face(DIALECT_RESPONSES)
		 ->read(t, json_parse(arena, slice_of(ASKED), &error), &why))
		assert(false);
}

static struct bridge *
build(const struct wish *w, const struct turn *t)
{
	const struct bridge_wish wish = {
		.from = w->from,
		.to = w->to,
		.turn = t,
		.id = "01JD0000000000000000000000",
		.created_s = 1,
		.whole = !w->stream,
		.wants_usage = w->usage,
		.wants_blobs = w->blobs,
	};

	return w->from == w->to ? NULL : bridge_new(&wish);
}

static void
feed(struct relay *r, struct slice body, unsigned step)
{
	size_t n = step, at = 0;

	while (body.len > 0 && !r->broken && !r->oversize) {
		n = step == 0 ? body.len : 1 + (at++ * 7 + step) % step;
		n = min_size(n, body.len);
		relay_take(r, slice_make(body.ptr, n));
		body = slice_after(body, n);
	}
}

/* As node/verdict.c and node/reply.c do it; true when all is well. */
static bool
end(struct relay *r, const struct wish *w)
{
	if (r->oversize || r->broken || (!w->stream && !relay_whole(r)) ||
	    !relay_complete(r))
		return false;
	relay_conclude(r);
	if (r->broken)
		return false;
	if (w->stream)
		relay_finish(r);
	else
		relay_answer(r);
	return true;
}

static bool
answer(struct http_exchange *x, struct slice body, const struct wish *w)
{
	struct allowance memory;
	struct arena arena;
	struct relay relay;
	struct turn turn;
	bool good;

	arena_init(&arena, ARENA_MAX);
	allowance_init(&memory, MEMORY_MAX);
	ask(&turn, &arena);
	relay_init(&relay, &(struct relay_wish){ .exchange = x,
			       .memory = &memory,
			       .speaks = w->from,
			       .answers = w->to,
			       .bridge = build(w, &turn),
			       .stream = w->stream,
			       .wants_usage = w->usage,
			       .caller = w->to,
			       .request_id = slice_of("req_1"),
			       .dropped = "" });
	relay_head(&relay, 200, slice_of("x"));
	feed(&relay, body, w->step);
	good = end(&relay, w);
	relay_fini(&relay);
	arena_fini(&arena);
	return good;
}

static void
on_event(void *arg, const struct sse_event *event)
{
	struct caller_saw *h = arg;
	enum scan_kind kind = scan_event(&h->scan, event);

	assert(kind != SCAN_BROKEN);
	assert(!h->numbered || h->scan.sequence == h->events);
	h->events++;
	h->behind += h->ends > 0;
	h->ends += kind == SCAN_TERMINAL;
	h->error |= kind == SCAN_ERROR;
}

static void
check_stream(struct slice got, const struct wish *w, bool good)
{
	struct caller_saw h = { .numbered = w->from != w->to &&
					    w->to == DIALECT_RESPONSES };
	struct sse sse;

	scan_init(&h.scan, w->to);
	sse_init(&sse, OUT_MAX);
	assert(sse_feed(&sse, got, on_event, &h));
	assert(w->from == w->to || sse_rest(&sse).len == 0);
	assert(!h.error && h.behind == 0);
	assert(h.ends == (good ? 1 : 0));
	assert(!good || scan_complete(&h.scan));
	sse_fini(&sse);
	scan_fini(&h.scan);
}

static void
check_whole(struct slice got, const struct wish *w)
{
	struct scan scan;

	scan_init(&scan, w->to);
	assert(scan_answer(&scan, got));
	assert(scan_complete(&scan));
	scan_fini(&scan);
}

static void
check(const struct http_exchange *x, const struct wish *w, bool good)
{
	assert(x->ended == good && x->streams <= w->stream);
	if (w->stream)
		check_stream(buf_slice(&x->got), w, good);
	else if (good)
		check_whole(buf_slice(&x->got), w);
	else
		assert(x->got.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct http_exchange whole, pieces;
	struct slice body;
	struct wish wish;
	bool good;

	if (len < 2)
		return 0;
	body = slice_make(bytes + 2, len - 2);
	wish = (struct wish){ .from = (enum dialect)(bytes[0] % DIALECTS),
		.to = (enum dialect)(bytes[0] / DIALECTS % DIALECTS),
		.stream = bytes[0] / 9 % 4 != 0,
		.usage = (bytes[0] & 128) != 0,
		.blobs = (bytes[0] & 64) != 0 };
	exchange_init(&whole);
	exchange_init(&pieces);
	good = answer(&whole, body, &wish);
	check(&whole, &wish, good);
	wish.step = 1 + bytes[1];
	assert(answer(&pieces, body, &wish) == good);
	assert(slice_eq(buf_slice(&whole.got), buf_slice(&pieces.got)));
	exchange_fini(&whole);
	exchange_fini(&pieces);
	return 0;
}
