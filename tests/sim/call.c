#include "tests/sim/call.h"

#include <string.h>

#include "tests/sim/wire.h"

#define ENDLESS_BYTES 16384

/* Answers that look like success and are none. */
struct garbage {
	const char *name, *type; /* no type: the bytes are the whole wire */
	const char *bytes;
};

static const struct garbage garbages[] = {
	{ "1", NULL, "\x01\x02\x03 this is no HTTP\r\n\r\n" },
	{ "chunk", NULL,
	    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
	    "transfer-encoding: chunked\r\n\r\nzz\r\n{\"id\":\"\r\n" },
	{ "json", "application/json",
	    "{\"id\":\"chatcmpl-sim\",\"choices\":[{\"message\":{\"cont" },
	{ "html", "text/html",
	    "<!doctype html><html><body>Welcome</body></html>" },
	{ "sse", "text/event-stream",
	    "data: {\"id\":\"chatcmpl-sim\",\"choi\n\ndata: [[[\n\n"
	    "event: \n\n: \n\ndata\n\ndata: nonsense\n\n" },
};

static const struct garbage *
find_garbage(const char *name)
{
	size_t i, rows = sizeof(garbages) / sizeof(garbages[0]);

	for (i = 0; i < rows; i++)
		if (!strcmp(garbages[i].name, name))
			return &garbages[i];
	return NULL;
}

static enum call_next
go(struct call *c, enum call_step step, uint64_t wait_ms)
{
	c->step = step;
	c->wait_ms = wait_ms;
	return wait_ms ? CALL_WAIT : CALL_MORE;
}

static bool
reached(const struct call *c, struct mark m)
{
	return m.unit == MARK_CHUNKS && c->chunks >= m.at;
}

/* What a mark at this number of chunks says, or the other. */
static enum call_next
unless_marked(const struct call *c, enum call_next other)
{
	if (reached(c, c->script.cut_after))
		return CALL_FIN;
	if (reached(c, c->script.reset_after))
		return CALL_RST;
	if (reached(c, c->script.stall_after))
		return CALL_STALL;
	return other;
}

static enum call_next
step_begin(struct call *c, struct text *out)
{
	const struct script *s = &c->script;

	(void)out;
	if (s->die_before_answer || (s->die_on_reused && c->reused))
		return CALL_FIN;
	return go(c, STEP_HEAD, s->latency_ms);
}

/* A body names an error, which an error_in_stream sends later. */
static bool
refuses(const struct call *c)
{
	const struct script *s = &c->script;

	if (*c->refusal || s->status >= 300 || *s->redirect)
		return true;
	return (*s->body || s->body_len) && !s->error_in_stream;
}

static enum call_next
garbage_head(struct call *c, struct text *out, const struct garbage *g)
{
	if (!g->type) {
		c->status = 0;
		text_str(out, g->bytes);
		return CALL_FIN;
	}
	text_str(&c->piece, g->bytes);
	wire_head(out, c->dialect, &c->reply, g->type, c->piece.len);
	return go(c, STEP_BODY, c->script.first_byte_ms);
}

static enum call_next
recording_head(struct call *c, struct text *out)
{
	const struct recording *a = c->recording;

	c->status = a->script.status;
	wire_head(out, c->dialect, &c->reply, a->type,
	    a->split ? WIRE_CHUNKED : a->body.len);
	return go(c, STEP_REPLAY, a->script.first_byte_ms);
}

static enum call_next
step_head(struct call *c, struct text *out)
{
	const struct script *s = &c->script;
	const struct garbage *g = find_garbage(s->garbage);
	uint64_t i;

	for (i = 0; i < s->continue_flood; i++)
		text_str(out, "HTTP/1.1 100 Continue\r\n\r\n");
	if (c->recording)
		return recording_head(c, out);
	if (refuses(c)) {
		c->status = wire_refuse(out, c->dialect, &c->reply, c->refusal);
		return CALL_DONE;
	}
	c->status = s->status;
	if (g)
		return garbage_head(c, out, g);
	if (c->stream) {
		wire_head(out, c->dialect, &c->reply,
		    "text/event-stream; charset=utf-8", WIRE_CHUNKED);
		return go(c, STEP_FIRST, s->first_byte_ms);
	}
	if (s->endless) {
		wire_head(out, c->dialect, &c->reply, "application/json",
		    WIRE_CHUNKED);
		return go(c, STEP_ENDLESS, s->first_byte_ms);
	}
	c->dialect->answer(&c->piece, &c->reply);
	wire_head(out, c->dialect, &c->reply, "application/json", c->piece.len);
	return go(c, STEP_BODY, s->first_byte_ms);
}

static enum call_next
step_body(struct call *c, struct text *out)
{
	enum call_next next = unless_marked(c, CALL_DONE);

	if (next != CALL_DONE)
		return next;
	text_add(out, c->piece.at, c->piece.len);
	c->chunks++;
	return unless_marked(c, CALL_DONE);
}

/* The piece, if any, as one chunk of the transfer encoding. */
static void
send_piece(struct call *c, struct text *out)
{
	if (!c->piece.len)
		return;
	text_hex(out, c->piece.len);
	text_add(out, "\r\n", 2);
	text_add(out, c->piece.at, c->piece.len);
	text_add(out, "\r\n", 2);
	c->piece.len = 0;
}

static enum call_next
step_endless(struct call *c, struct text *out)
{
	if (!c->chunks)
		text_str(&c->piece, c->dialect->endless);
	text_fill(&c->piece, 'x', ENDLESS_BYTES);
	send_piece(c, out);
	c->chunks++;
	return unless_marked(c, go(c, STEP_ENDLESS, c->script.interval_ms));
}

/* Each piece by itself, so that it has a write of its own. */
static enum call_next
step_replay(struct call *c, struct text *out)
{
	const struct recording *a = c->recording;
	enum call_next next = unless_marked(c, CALL_MORE);
	size_t n = a->body.len - c->played;

	if (next != CALL_MORE)
		return next;
	if (a->split && n > a->split)
		n = a->split;
	text_add(&c->piece, a->body.at + c->played, n);
	c->played += n;
	c->chunks++;
	if (!a->split) {
		text_add(out, c->piece.at, c->piece.len);
		return unless_marked(c, CALL_DONE);
	}
	send_piece(c, out);
	go(c, STEP_REPLAY, a->script.interval_ms);
	if (c->played < a->body.len)
		return CALL_WAIT;
	next = unless_marked(c, CALL_DONE);
	if (next == CALL_DONE)
		text_str(out, "0\r\n\r\n");
	return next;
}

static enum call_next
step_first(struct call *c, struct text *out)
{
	c->dialect->begin(&c->piece, &c->reply);
	send_piece(c, out);
	return go(c, STEP_PART, 0);
}

/* The open call, or the one to open, of which least is made. */
static struct part *
next_in_turn(struct reply *r, struct part *p)
{
	struct part *other, *end = r->parts + r->count;

	for (other = p; other < end; other++)
		if (!other->closed && other->made < p->made)
			p = other;
	return p;
}

/* The part to go on with; NULL when all are closed. */
static struct part *
current_part(struct call *c)
{
	struct part *p = c->reply.parts, *end = p + c->reply.count;

	while (p < end && p->closed)
		p++;
	if (p == end)
		return NULL;
	if (p->kind == PART_CALL && c->script.interleave &&
	    c->dialect->interleaves)
		return next_in_turn(&c->reply, p);
	return p;
}

/* Only what is said can be said for ever. */
static bool
has_more(const struct call *c, const struct part *p)
{
	bool said = p->kind == PART_TEXT || p->kind == PART_REFUSAL;

	return p->made < p->chunks || (said && c->script.endless);
}

static void
make_chunk(struct call *c, struct part *p)
{
	if (c->chunks && c->pings < c->script.ping) {
		c->dialect->ping(&c->piece, &c->reply);
		c->pings++;
		return;
	}
	c->dialect->chunk(&c->piece, &c->reply, p, p->made++);
	c->chunks++;
	c->pings = 0;
}

/* An error comes while the last part is open. */
static bool
is_over(const struct call *c, const struct part *p)
{
	if (!p)
		return true;
	return c->script.error_in_stream && p->made == p->chunks &&
	       p->index + 1 == c->reply.count;
}

static enum call_next
step_part(struct call *c, struct text *out)
{
	enum call_next next = unless_marked(c, CALL_MORE);
	struct part *p = current_part(c);
	uint64_t wait_ms = 0;

	if (next != CALL_MORE)
		return next;
	if (p && !p->opened) {
		p->opened = true;
		c->dialect->open(&c->piece, &c->reply, p);
	} else if (p && has_more(c, p)) {
		make_chunk(c, p);
		wait_ms = c->script.interval_ms;
	} else if (is_over(c, p)) {
		return go(c, STEP_LAST, 0);
	} else {
		p->closed = true;
		c->dialect->close(&c->piece, &c->reply, p);
	}
	send_piece(c, out);
	return go(c, STEP_PART, wait_ms);
}

static enum call_next
step_last(struct call *c, struct text *out)
{
	const struct refusal *why;

	if (c->script.error_in_stream) {
		why = refusal_find(c->script.body, 500, c->dialect->family);
		c->dialect->fail(&c->piece, &c->reply, why);
	} else {
		c->dialect->end(&c->piece, &c->reply);
	}
	send_piece(c, out);
	text_str(out, "0\r\n\r\n");
	return CALL_DONE;
}

static enum call_next (*const steps[])(struct call *c, struct text *out) = {
	[STEP_BEGIN] = step_begin,
	[STEP_HEAD] = step_head,
	[STEP_BODY] = step_body,
	[STEP_ENDLESS] = step_endless,
	[STEP_REPLAY] = step_replay,
	[STEP_FIRST] = step_first,
	[STEP_PART] = step_part,
	[STEP_LAST] = step_last,
};

void
call_begin(struct call *c)
{
	c->step = STEP_BEGIN;
	c->chunks = c->wire = c->wait_ms = c->status = 0;
	c->piece.len = c->played = 0;
	c->pings = 0;
	recording_free(c->recording);
	c->recording = NULL;
	c->reply.script = &c->script;
}

void
call_fini(struct call *c)
{
	text_fini(&c->piece);
	recording_free(c->recording);
	text_fini(&c->reply.echo);
}

/* Take back what was made beyond a mark in bytes. */
static bool
cut_at(struct call *c, struct mark m, struct text *out)
{
	if (m.unit != MARK_BYTES || c->wire < m.at)
		return false;
	out->len -= c->wire - m.at;
	c->wire = m.at;
	return true;
}

enum call_next
call_pump(struct call *c, struct text *out)
{
	size_t before = out->len;
	enum call_next next = steps[c->step](c, out);

	c->wire += out->len - before;
	if (cut_at(c, c->script.cut_after, out))
		return CALL_FIN;
	if (cut_at(c, c->script.reset_after, out))
		return CALL_RST;
	if (cut_at(c, c->script.stall_after, out))
		return CALL_STALL;
	return next;
}
