/*
 * Answers on their way from a provider to a caller, for each pair of
 * dialects: thousands, made up by chance from fixed seeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/limit/allowance.h"
#include "node/dialect/bridge.h"
#include "node/relay.h"
#include "tests/unit/node/exchange.h"
#include "tests/unit/node/script.h"

#define ARENA_MAX  ((size_t)64 << 20)
#define MEMORY_MAX ((size_t)64 << 20)
#define TEXT_MAX   (1u << 20)
#define CASES      400 /* a pair */
#define ASKED                                                                  \
	"{\"model\":\"m\",\"input\":\"hi\",\"tools\":[{\"type\":\"function\"," \
	"\"name\":\"f\"},{\"type\":\"custom\",\"name\":\"patch\"}]}"

struct pair {
	enum dialect from, to;
	uint64_t seed;
};

/* What a reader of a stream has of it. */
struct ear {
	struct arena arena;
	struct hearing h;
	struct scan scan;
	struct told_block {
		enum block_kind what;
		const char *id, *name;
		struct buf text, blob;
	} blocks[2 * SCRIPT_EVENTS];
	unsigned count, ends, behind;
	bool error;
	enum finish finish;
};

static void
take(void *arg, const struct delta *d)
{
	struct ear *e = arg;
	struct told_block *b = &e->blocks[d->block];

	switch (d->kind) {
	case DELTA_OPEN:
		assert_int_equal(d->block, e->count++);
		b->what = d->what;
		b->id = arena_text(&e->arena, d->id);
		b->name = arena_text(&e->arena, d->name);
		buf_init(&b->text, TEXT_MAX);
		buf_init(&b->blob, TEXT_MAX);
		return;
	case DELTA_TEXT:
		buf_put_slice(&b->text, d->text);
		return;
	case DELTA_BLOB:
		buf_put_slice(&b->blob, d->text);
		return;
	case DELTA_FINISH:
		e->finish = d->finish;
		return;
	case DELTA_START:
	case DELTA_CLOSE:
		return;
	}
}

static void
hear_event(void *arg, const struct sse_event *event)
{
	struct ear *e = arg;
	enum scan_kind kind = scan_event(&e->scan, event);

	assert_int_not_equal(kind, SCAN_BROKEN);
	e->behind += e->ends > 0;
	e->ends += kind == SCAN_TERMINAL;
	e->error |= kind == SCAN_ERROR;
	if (e->scan.root != NULL)
		target_face(e->scan.dialect)->hear(&e->h, e->scan.root);
}

static struct ear *
hear(struct slice text, enum dialect d)
{
	struct ear *e = calloc(1, sizeof(*e));
	struct sse sse;

	arena_init(&e->arena, ARENA_MAX);
	scan_init(&e->scan, d);
	hearing_init(&e->h, take, e);
	sse_init(&sse, TEXT_MAX);
	assert_true(sse_feed(&sse, text, hear_event, e));
	assert_int_equal(sse_rest(&sse).len, 0);
	sse_fini(&sse);
	hearing_end(&e->h);
	return e;
}

static void
ear_free(struct ear *e)
{
	unsigned i;

	for (i = 0; i < e->count; i++) {
		buf_fini(&e->blocks[i].text);
		buf_fini(&e->blocks[i].blob);
	}
	scan_fini(&e->scan);
	arena_fini(&e->arena);
	free(e);
}

/* What stands inside a string, as characters. */
static struct slice
plain(struct ear *e, struct slice inside)
{
	struct slice text;

	assert_true(json_raw_text(slice_of(arena_printf(&e->arena, "\"%.*s\"",
				      SLICE_FMT(inside))),
	    &e->arena, &text));
	return text;
}

/* A call's arguments; a freeform one's input, wrapped or not. */
static struct slice
arguments(struct ear *e, const struct told_block *b)
{
	struct slice text = plain(e, buf_slice(&b->text)), input;
	struct json_error error;

	if (b->what == BLOCK_CUSTOM)
		return text;
	if (text.len == 0)
		text = slice_of("{}");
	if (strcmp(b->name, "patch") != 0)
		return text;
	if (!json_text(json_find(json_parse(&e->arena, text, &error), "input"),
		&e->arena, &input))
		return slice_of("");
	return input;
}

#define KINDS(...) ((const enum block_kind[]){ __VA_ARGS__ })

static void
put_texts(struct ear *e, struct buf *out, const enum block_kind kinds[2],
    bool blobs)
{
	struct told_block *b;

	buf_putc(out, '|');
	for (b = e->blocks; b < e->blocks + e->count; b++) {
		if (b->what != kinds[0] && b->what != kinds[1])
			continue;
		buf_put_slice(out, plain(e, buf_slice(&b->text)));
		if (blobs)
			buf_put_slice(out, buf_slice(&b->blob));
	}
}

/* What it comes to, as far as a caller of that dialect can be told. */
static const char *
gist(struct ear *e, const struct pair *p)
{
	bool blobs = p->from != DIALECT_CHAT && p->to != DIALECT_CHAT;
	bool one = p->to == DIALECT_MESSAGES;
	struct told_block *b;
	struct buf out;
	const char *text;

	buf_init(&out, TEXT_MAX);
	put_texts(e, &out, KINDS(BLOCK_TEXT, one ? BLOCK_REFUSAL : BLOCK_TEXT),
	    false);
	if (!one)
		put_texts(e, &out, KINDS(BLOCK_REFUSAL, BLOCK_REFUSAL), false);
	put_texts(e, &out, KINDS(BLOCK_THINKING, BLOCK_THINKING), blobs);
	for (b = e->blocks; b < e->blocks + e->count; b++)
		if (b->what == BLOCK_CALL || b->what == BLOCK_CUSTOM)
			buf_printf(&out, "|%s %s(%.*s)", b->id, b->name,
			    SLICE_FMT(arguments(e, b)));
	text = arena_text(&e->arena, buf_slice(&out));
	buf_fini(&out);
	return text;
}

/* The other end of a relay: gives whether the answer is complete. */
struct answered {
	struct http_exchange x;
	bool good;
};

static void
ask(struct turn *t, struct arena *arena)
{
	struct json_error error;
	const char *why;

	turn_init(t, arena, DIALECT_RESPONSES);
	assert_true(
	    caller_face(DIALECT_RESPONSES)
		->read(t, json_parse(arena, slice_of(ASKED), &error), &why));
}

static struct bridge *
build(const struct pair *p, const struct turn *t)
{
	const struct bridge_wish wish = { .from = p->from,
		.to = p->to,
		.turn = t,
		.id = "01JD0000000000000000000000",
		.created_s = 1,
		.wants_usage = true,
		.wants_blobs = true };

	return p->from == p->to ? NULL : bridge_new(&wish);
}

/* As node/request.c goes about it. */
static void
finish(struct relay *r, struct answered *a)
{
	if (!r->broken && relay_complete(r)) {
		relay_conclude(r);
		a->good = !r->broken;
	}
	if (a->good)
		relay_finish(r);
}

/* In pieces of one to `most` bytes. */
static void
answer(struct answered *a, const struct pair *p, struct slice text, size_t most)
{
	struct script dice = { .seed = p->seed + 1 };
	struct allowance memory;
	struct arena arena;
	struct relay relay;
	struct turn turn;
	size_t n;

	*a = (struct answered){ .good = false };
	exchange_init(&a->x);
	arena_init(&arena, ARENA_MAX);
	allowance_init(&memory, MEMORY_MAX);
	ask(&turn, &arena);
	relay_init(&relay, &(struct relay_wish){ .exchange = &a->x,
			       .memory = &memory,
			       .speaks = p->from,
			       .answers = p->to,
			       .bridge = build(p, &turn),
			       .stream = true,
			       .wants_usage = true,
			       .caller = p->to,
			       .dropped = "" });
	relay_head(&relay, 200, slice_of("text/event-stream"));
	while (text.len > 0) {
		n = 1 + script_chance(&dice, (unsigned)most);
		n = min_size(n, text.len);
		relay_take(&relay, slice_make(text.ptr, n));
		text = slice_after(text, n);
	}
	finish(&relay, a);
	relay_fini(&relay);
	arena_fini(&arena);
}

static void
join(struct buf *out, const struct script *s, const char *end)
{
	size_t i;

	buf_reset(out);
	for (i = 0; i < s->count; i++)
		buf_printf(out, "%s%s%s", s->events[i], end, end);
}

static void
each_pair(void (*check)(const struct pair *p, struct arena *arena))
{
	struct arena arena;
	struct pair p;
	int from, to;

	for (from = 0; from < DIALECTS; from++)
		for (to = 0; to < DIALECTS; to++)
			for (p.seed = 1; p.seed <= CASES; p.seed++) {
				p.from = (enum dialect)from;
				p.to = (enum dialect)to;
				arena_init(&arena, ARENA_MAX);
				check(&p, &arena);
				arena_fini(&arena);
			}
}

static void
same_usage(const struct scan *a, const struct scan *b)
{
	struct usage x, y;

	scan_usage(a, true, &x);
	scan_usage(b, true, &y);
	assert_int_equal(x.input_tokens, y.input_tokens);
	assert_int_equal(x.cache_read_tokens, y.cache_read_tokens);
	assert_int_equal(x.cache_write_tokens, y.cache_write_tokens);
	assert_int_equal(x.output_tokens, y.output_tokens);
	assert_int_equal(x.reasoning_tokens, y.reasoning_tokens);
}

static void
check_meaning(const struct pair *p, struct arena *arena)
{
	struct ear *said, *told;
	struct answered a;
	struct script s;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	script_init(&s, arena, p->from, p->seed);
	join(&text, &s, "\n");
	answer(&a, p, buf_slice(&text), TEXT_MAX);
	assert_true(a.good && a.x.ended);
	said = hear(buf_slice(&text), p->from);
	told = hear(buf_slice(&a.x.got), p->to);
	if (strcmp(gist(said, p), gist(told, p)) != 0)
		fail_msg("%d to %d, seed %llu:\n%s\n%s\n%s\n%s", p->from, p->to,
		    (unsigned long long)p->seed, gist(said, p), gist(told, p),
		    buf_text(&text), buf_text(&a.x.got));
	assert_int_equal(said->finish == FINISH_LENGTH,
	    told->finish == FINISH_LENGTH);
	if (p->to != DIALECT_RESPONSES || said->finish != FINISH_CALLS)
		assert_int_equal(said->finish == FINISH_CALLS,
		    told->finish == FINISH_CALLS);
	same_usage(&said->scan, &told->scan);
	ear_free(said);
	ear_free(told);
	exchange_fini(&a.x);
	buf_fini(&text);
}

static void
an_answer_means_the_same_to_every_caller(void **state)
{
	(void)state;
	each_pair(check_meaning);
}

static void
check_pieces(const struct pair *p, struct arena *arena)
{
	static const char *const line_ends[] = { "\n", "\r\n", "\r" };
	struct answered one, many;
	struct script s;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	script_init(&s, arena, p->from, p->seed);
	join(&text, &s, line_ends[p->from == p->to ? 0 : p->seed % 3]);
	answer(&one, p, buf_slice(&text), TEXT_MAX);
	answer(&many, p, buf_slice(&text),
	    p->seed % 4 == 0 ? 1 : 1 + p->seed % 90);
	assert_true(one.good && many.good);
	assert_true(slice_eq(buf_slice(&one.x.got), buf_slice(&many.x.got)));
	exchange_fini(&one.x);
	exchange_fini(&many.x);
	buf_fini(&text);
}

static void
how_its_bytes_come_does_not_matter(void **state)
{
	(void)state;
	each_pair(check_pieces);
}

/* Whatever became of the events: one end, the last, or none and no answer. */
static void
check_end(const struct answered *a, const struct pair *p, const char *text)
{
	struct ear *told = hear(buf_slice(&a->x.got), p->to);

	if (a->x.ended != a->good || told->behind > 0 || told->error ||
	    told->ends != (a->good ? 1 : 0))
		fail_msg("%d to %d, seed %llu: %u ends, %s:\n%s\n%s", p->from,
		    p->to, (unsigned long long)p->seed, told->ends,
		    a->good ? "good" : "bad", text,
		    a->x.got.len > 0 ? (const char *)a->x.got.data : "");
	ear_free(told);
}

/* Has Chat said why it finished?  Its marker may be missing. */
static bool
finishes(const struct script *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (strstr(s->events[i], "\"finish_reason\":\"") != NULL)
			return true;
	return false;
}

/* Drop, double, swap, or spoil one. */
static void
mutate(struct script *s)
{
	size_t at = script_chance(s, (unsigned)s->count);
	const char *former = s->events[at];

	switch (script_chance(s, 5)) {
	case 0:
		memmove(&s->events[at], &s->events[at + 1],
		    (s->count - at - 1) * sizeof(former));
		s->count -= s->count > 1;
		return;
	case 1:
		s->events[s->count] = s->events[s->count - 1];
		memmove(&s->events[at + 1], &s->events[at],
		    (s->count - at) * sizeof(former));
		s->count += s->count + 1 < SCRIPT_EVENTS;
		return;
	case 2:
		s->events[at] = s->events[s->count - 1];
		s->events[s->count - 1] = former;
		return;
	case 3:
		s->events[at] = arena_printf(s->arena, "%.*s",
		    (int)script_chance(s, (unsigned)strlen(former) + 1),
		    former);
		return;
	case 4:
		s->events[at] = "event: error\ndata: {\"type\":\"error\","
				"\"error\":{\"message\":\"x\"}}";
		return;
	}
}

static void
check_hostile(const struct pair *p, struct arena *arena)
{
	struct answered a;
	struct script s;
	struct buf text;
	unsigned n;

	buf_init(&text, TEXT_MAX);
	script_init(&s, arena, p->from, p->seed);
	n = 1 + script_chance(&s, 3);
	while (n-- > 0)
		mutate(&s);
	join(&text, &s, "\n");
	answer(&a, p, buf_slice(&text), TEXT_MAX);
	check_end(&a, p, buf_text(&text));
	exchange_fini(&a.x);
	buf_fini(&text);
}

static void
no_answer_has_two_ends_or_none(void **state)
{
	(void)state;
	each_pair(check_hostile);
}

static void
check_cut(const struct pair *p, struct arena *arena)
{
	struct answered a;
	struct script s;
	struct buf text;
	size_t len;

	buf_init(&text, TEXT_MAX);
	script_init(&s, arena, p->from, p->seed);
	s.count = script_chance(&s, (unsigned)s.count);
	join(&text, &s, "\n");
	len = text.len - min_size(text.len, script_chance(&s, 2));
	answer(&a, p, slice_make(text.data, len), TEXT_MAX);
	assert_true(!a.good || (p->from == DIALECT_CHAT && finishes(&s)));
	check_end(&a, p, buf_text(&text));
	exchange_fini(&a.x);
	buf_fini(&text);
}

static void
what_is_cut_is_never_complete(void **state)
{
	(void)state;
	each_pair(check_cut);
}

static int
start(void **state)
{
	(void)state;
	return crypto_start() ? 0 : -1;
}

/* A whole answer that grows past what is left of the shared memory. */
static void
want_of_memory_is_no_fault_of_the_answer(void **state)
{
	static const size_t room[] = { 64 << 10, MEMORY_MAX };
	static char bytes[128 << 10];
	struct http_exchange x;
	struct allowance memory;
	struct relay relay;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(room); i++) {
		exchange_init(&x);
		allowance_init(&memory, room[i]);
		relay_init(&relay, &(struct relay_wish){ .exchange = &x,
				       .memory = &memory,
				       .speaks = DIALECT_CHAT,
				       .answers = DIALECT_CHAT,
				       .dropped = "" });
		assert_true(relay_reserve(&relay));
		relay_head(&relay, 200, slice_of("application/json"));
		relay_take(&relay, slice_make(bytes, sizeof(bytes)));
		assert_int_equal(relay.starved, i == 0);
		assert_int_equal(relay.oversize, i == 0);
		relay_fini(&relay);
		exchange_fini(&x);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_means_the_same_to_every_caller),
		cmocka_unit_test(how_its_bytes_come_does_not_matter),
		cmocka_unit_test(no_answer_has_two_ends_or_none),
		cmocka_unit_test(what_is_cut_is_never_complete),
		cmocka_unit_test(want_of_memory_is_no_fault_of_the_answer),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
