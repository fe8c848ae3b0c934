/*
 * Requests made up by chance, written in one dialect, read again, written in
 * another and read once more: what both can say stays as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/splice.h"
#include "node/dialect/target.h"
#include "node/dialect/telling.h"

#define ARENA_MAX ((size_t)16 << 20)
#define TEXT_MAX  (1u << 20)
#define CASES     1000 /* a pair */

struct dice {
	struct arena *arena;
	struct turn *t;
	uint64_t seed;
	unsigned dialects; /* all that have to say it */
	unsigned ids;
};

static unsigned
chance(struct dice *d, unsigned n)
{
	d->seed ^= d->seed << 13;
	d->seed ^= d->seed >> 7;
	d->seed ^= d->seed << 17;
	return (unsigned)(d->seed >> 33) % n;
}

static bool
maybe(struct dice *d)
{
	return chance(d, 2) == 0;
}

/* Do all of them know it? */
static bool
in(const struct dice *d, unsigned dialects)
{
	return (d->dialects & ~dialects) == 0;
}

static struct slice
text(struct dice *d)
{
	static const char *const words[] = { "a", "b c", "\\n", "\xc3\xa9",
		"\\ud83d\\ude00", "{}", "\\\"", "\\\\", "\\u0000",
		"a text that is long enough not to be copied " };
	const char *all = "x";
	unsigned n = chance(d, 4), repeat;

	while (n-- > 0)
		all = arena_printf(d->arena, "%s%s", all,
		    words[chance(d, count_of(words) - 1)]);
	for (repeat = chance(d, 20) == 0 ? 20 : 0; repeat > 0; repeat--)
		all = arena_printf(d->arena, "%s%s", all,
		    words[count_of(words) - 1]);
	return slice_of(arena_printf(d->arena, "\"%s\"", all));
}

static struct slice
printed(struct dice *d, const char *format, unsigned n)
{
	char room[64];

	snprintf(room, sizeof(room), "%s%u", format, n);
	return slice_of(arena_printf(d->arena, "\"%s\"", room));
}

static void
say(struct dice *d, struct message *m)
{
	turn_part(d->t, m, PART_TEXT)->text = text(d);
}

static void
show(struct dice *d, struct message *m)
{
	struct part *p = turn_part(d->t, m, PART_IMAGE);

	if (maybe(d)) {
		p->url = slice_of("\"https://x.example/a.png\"");
		return;
	}
	p->media_type = slice_of("image/png");
	p->data = slice_of("QUJD");
}

static void
attach(struct dice *d, struct message *m)
{
	struct part *p = turn_part(d->t, m, PART_FILE);

	p->title = slice_of("\"a.pdf\"");
	p->media_type = slice_of("application/pdf");
	p->data = slice_of("QUJD");
}

static void
think(struct dice *d, struct message *m)
{
	struct part *p;

	if (!in(d, IN_RESPONSES) && !in(d, IN_MESSAGES))
		return;
	p = turn_part(d->t, m, PART_THINKING);
	p->text = text(d);
	p->blob = slice_of("\"YmxvYg==\"");
	p->blob_kind = in(d, IN_MESSAGES) ? BLOB_SIGNATURE : BLOB_ENCRYPTED;
}

static void
call(struct dice *d, struct message *m)
{
	struct part *p = turn_part(d->t, m, PART_CALL);

	p->id = printed(d, "call_", d->ids++);
	p->name = printed(d, "tool_", chance(d, 5));
	p->custom = in(d, IN_OPENAI) && maybe(d);
	p->arguments =
	    p->custom ? text(d) : slice_of("\"{\\\"a\\\":[1,\\\"x\\\"]}\"");
}

static void
answer(struct dice *d, const struct message *assistant)
{
	const struct part *p;
	struct part *result;

	for (p = assistant->parts; p != NULL; p = p->next) {
		if (p->kind != PART_CALL)
			continue;
		result = turn_part(d->t, turn_results(d->t), PART_RESULT);
		result->id = p->id;
		turn_result_part(d->t, result, PART_TEXT)->text = text(d);
		result->failed = in(d, IN_MESSAGES) && maybe(d);
	}
}

static void
converse(struct dice *d)
{
	struct message *m;
	unsigned turns = chance(d, 4), calls;

	if (maybe(d))
		say(d, turn_message(d->t, TURN_SYSTEM));
	say(d, turn_message(d->t, TURN_USER));
	while (turns-- > 0) {
		m = turn_message(d->t, TURN_ASSISTANT);
		if (maybe(d))
			think(d, m);
		say(d, m);
		for (calls = chance(d, 4); calls > 0; calls--)
			call(d, m);
		answer(d, m);
		m = turn_go_on(d->t, TURN_USER);
		say(d, m);
		if (chance(d, 3) == 0)
			show(d, m);
		if (chance(d, 5) == 0)
			attach(d, m);
	}
}

static void
list_tools(struct dice *d)
{
	struct tool *tool;
	unsigned i, n = chance(d, 5);

	for (i = 0; i < n; i++) {
		bool custom = in(d, IN_OPENAI) && maybe(d);

		tool = turn_tool(d->t, custom ? TOOL_CUSTOM : TOOL_FUNCTION,
		    printed(d, "tool_", i), slice_of(""));
		if (maybe(d))
			tool->description = text(d);
		if (custom && maybe(d)) {
			tool->syntax = slice_of("\"lark\"");
			tool->definition = text(d);
		}
		if (custom)
			continue;
		tool->schema =
		    slice_of("{\"type\":\"object\",\"properties\":{}}");
		if (in(d, IN_OPENAI) || maybe(d))
			tool->strict = slice_of("true");
	}
	if (n == 0)
		return;
	d->t->choice = (enum choice)chance(d, CHOICE_ONE + 1);
	if (d->t->choice == CHOICE_ONE)
		d->t->chosen = d->t->tools;
	if (d->t->choice != CHOICE_NONE && maybe(d))
		d->t->parallel = TO_NO;
}

static void
set_sampling(struct dice *d)
{
	static const struct slice stops[] = { { "\"x\"", 3 },
		{ "\"\\n\"", 4 } };
	struct turn *t = d->t;

	/* Who reasons is not told how to sample. */
	if (maybe(d)) {
		t->effort = (enum effort)(EFFORT_LOW + chance(d, 5));
		return;
	}
	if (maybe(d))
		t->temperature = slice_of("0.25");
	else if (maybe(d))
		t->top_p = slice_of("0.5e0");
	if (in(d, IN_CHAT | IN_MESSAGES) && maybe(d)) {
		t->stops = stops;
		t->stops_count = count_of(stops);
	}
	if (in(d, IN_CHAT) && maybe(d)) {
		t->seed = slice_of("123456789012345678901234567890");
		t->logit_bias = slice_of("{\"5\":-1}");
	}
}

static void
set_format(struct dice *d)
{
	struct turn *t = d->t;

	if (maybe(d))
		return;
	if (in(d, IN_OPENAI) && maybe(d)) {
		t->format = FORMAT_JSON;
		return;
	}
	t->format = FORMAT_SCHEMA;
	t->format_schema = slice_of("{\"type\":\"object\"}");
	if (!in(d, IN_OPENAI))
		return;
	t->format_name = slice_of("\"n\"");
	t->format_strict = slice_of("true");
	t->format_description = text(d);
}

static void
set_labels(struct dice *d)
{
	struct turn *t = d->t;

	t->stream = maybe(d);
	t->output_cap = 16 + chance(d, 100);
	if (maybe(d))
		t->user = slice_of("\"u\"");
	if (!in(d, IN_OPENAI) || maybe(d))
		return;
	t->cache_key = slice_of("\"k\"");
	t->verbosity = slice_of("\"low\"");
	t->service_tier = slice_of("\"flex\"");
}

/* All that counts, in lines. */

static void
put(struct buf *out, const char *name, struct slice raw)
{
	if (raw.len > 0)
		buf_printf(out, " %s=%.*s", name, SLICE_FMT(raw));
}

static void
put_part(struct buf *out, const struct turn *t, const struct part *p)
{
	const struct part *c;

	buf_printf(out, "  part %d custom %d failed %d", (int)p->kind,
	    p->custom && p->kind == PART_CALL, p->failed);
	put(out, "text", p->text);
	put(out, "blob", p->blob);
	put(out, "url", p->url);
	put(out, "type", p->media_type);
	put(out, "data", p->data);
	put(out, "title", p->title);
	put(out, "id", p->id);
	put(out, "name", p->name);
	if (p->kind == PART_CALL)
		put(out, "input",
		    p->custom ? p->arguments : turn_call_object(t, p));
	buf_putc(out, '\n');
	for (c = p->content; c != NULL; c = c->next)
		put_part(out, t, c);
}

static void
put_tools(struct buf *out, const struct turn *t)
{
	const struct tool *tool;

	for (tool = t->tools; tool != NULL; tool = tool->next) {
		buf_printf(out, "tool %d", (int)tool->kind);
		put(out, "name", tool->name);
		put(out, "description", tool->description);
		put(out, "schema", tool->schema);
		/* Not to be strict is what most say by saying nothing. */
		if (!slice_is(tool->strict, "false"))
			put(out, "strict", tool->strict);
		put(out, "syntax", tool->syntax);
		put(out, "definition", tool->definition);
		buf_putc(out, '\n');
	}
	buf_printf(out, "choice %d parallel %d",
	    t->choice == CHOICE_UNSET ? CHOICE_AUTO : t->choice, t->parallel);
	put(out, "chosen", t->chosen != NULL ? t->chosen->name : slice_of(""));
	buf_putc(out, '\n');
}

static const char *
gist(const struct turn *t)
{
	const struct message *m;
	const struct part *p;
	enum turn_role role = TURN_USER;
	struct buf out;
	const char *all;
	size_t i;

	buf_init(&out, TEXT_MAX);
	for (m = t->messages; m != NULL; m = m->next) {
		if (m == t->messages || m->role != role)
			buf_printf(&out, "message %d\n", (int)m->role);
		role = m->role;
		for (p = m->parts; p != NULL; p = p->next)
			put_part(&out, t, p);
	}
	put_tools(&out, t);
	buf_printf(&out, "effort %d format %d stream %d cap %d", (int)t->effort,
	    (int)t->format, t->stream, (int)t->output_cap);
	if (!raw_is(t->format_name, "response")) /* where it has none */
		put(&out, "name", t->format_name);
	put(&out, "schema", t->format_schema);
	put(&out, "strict", t->format_strict);
	put(&out, "description", t->format_description);
	put(&out, "temperature", t->temperature);
	put(&out, "top_p", t->top_p);
	for (i = 0; i < t->stops_count; i++)
		put(&out, "stop", t->stops[i]);
	put(&out, "seed", t->seed);
	put(&out, "logit_bias", t->logit_bias);
	put(&out, "user", t->user);
	put(&out, "cache_key", t->cache_key);
	put(&out, "verbosity", t->verbosity);
	put(&out, "service_tier", t->service_tier);
	all = arena_text(t->arena, buf_slice(&out));
	buf_fini(&out);
	return all;
}

/* Written in that dialect, and read again; also gives the text. */
static struct turn *
again(const struct turn *t, enum dialect d, const char **body)
{
	const struct target_terms terms = { .model = slice_of("m"),
		.output_cap = t->output_cap,
		.cap_key = "max_tokens",
		.reasons = t->effort != EFFORT_UNSET,
		.quirks =
		    ~(unsigned)(QUIRK_SHORT_TOOL_IDS | QUIRK_REASONING_BACK) };
	struct turn *new = arena_new(t->arena, struct turn);
	struct json_error error;
	struct splice splice;
	const char *why = "";
	struct buf b;
	size_t i;

	assert_true(target_write(&splice, d, t, &terms));
	buf_init(&b, TEXT_MAX);
	for (i = 0; i < splice.count; i++)
		buf_put_slice(&b, splice.parts[i]);
	*body = arena_text(t->arena, buf_slice(&b));
	buf_fini(&b);
	turn_init(new, t->arena, d);
	if (!caller_face(d)->read(new,
		json_parse(t->arena, slice_of(*body), &error), &why))
		fail_msg("%s: %s", why, *body);
	return new;
}

/* Fails with the first line that differs. */
static void
same(struct turn *t, const struct turn *other, const char *where,
    const char *body)
{
	const char *x = gist(t), *y = gist(other), *line = x;

	for (; *x != '\0' && *x == *y; x++, y++)
		if (*x == '\n')
			line = x + 1;
	if (*x != *y)
		fail_msg("%s:\n%s\n%s\n%s", where, line, y - (x - line), body);
}

static void
check(enum dialect a, enum dialect b, uint64_t seed)
{
	const char *body, *where;
	struct arena arena;
	struct turn t, *one, *two;
	struct dice dice = { .arena = &arena,
		.t = &t,
		.seed = seed * 2654435761u + 88172645463325252u,
		.dialects = 1u << a | 1u << b };

	arena_init(&arena, ARENA_MAX);
	turn_init(&t, &arena, a);
	converse(&dice);
	list_tools(&dice);
	set_sampling(&dice);
	set_format(&dice);
	set_labels(&dice);
	where = arena_printf(&arena, "from %d to %d, seed %llu", (int)a, (int)b,
	    (unsigned long long)seed);
	one = again(&t, a, &body);
	same(&t, one, where, body);
	two = again(one, b, &body);
	same(&t, two, where, body);
	arena_fini(&arena);
}

static void
what_two_dialects_can_say_is_not_lost_between_them(void **state)
{
	uint64_t seed;
	int a, b;

	(void)state;
	for (a = 0; a < DIALECTS; a++)
		for (b = 0; b < DIALECTS; b++)
			for (seed = 1; seed <= CASES; seed++)
				check((enum dialect)a, (enum dialect)b, seed);
}

static int
start(void **state)
{
	(void)state;
	return crypto_start() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
	    what_two_dialects_can_say_is_not_lost_between_them) };

	return cmocka_run_group_tests(tests, start, NULL);
}
