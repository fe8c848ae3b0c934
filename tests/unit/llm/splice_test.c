#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/splice.h"

#define ROUNDS    20000
#define DEPTH_MAX 4
#define WIDTH_MAX 5
#define TEXT_MAX  ((size_t)1 << 20)

static uint64_t seed;

static unsigned
chance(unsigned of)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % of;
}

static void
put_space(struct buf *b)
{
	while (chance(3) == 0)
		buf_putc(b, " \n\t\r"[chance(4)]);
}

static void
put_random(struct buf *b, unsigned depth)
{
	static const char *const scalars[] = { "1", "-2e9", "\"\"", "null",
		"true", "\"a,]}\\\"\"", "\"\\u0041\"" };
	unsigned kind = depth < DEPTH_MAX ? chance(4) : 0, i, n;

	if (kind < 2 && depth > 0) {
		buf_puts(b, scalars[chance(count_of(scalars))]);
		return;
	}
	buf_putc(b, kind == 2 ? '[' : '{');
	put_space(b);
	for (i = 0, n = chance(WIDTH_MAX + 1); i < n; i++) {
		if (kind != 2)
			buf_printf(b, "\"%s%u\" :", chance(2) ? "k" : "\\u006b",
			    i);
		put_space(b);
		put_random(b, depth + 1);
		put_space(b);
		buf_puts(b, i + 1 < n ? "," : "");
		put_space(b);
	}
	buf_putc(b, kind == 2 ? ']' : '}');
}

/* What is done to a value is drawn from where it stands. */
static unsigned
lot(const struct json_value *v, unsigned round, unsigned of)
{
	uint64_t x = (uint64_t)(uintptr_t)v->raw.ptr + round;

	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
	return (unsigned)(x >> 40) % of;
}

static bool
is_gone(const struct json_value *child, void *arg)
{
	return lot(child, *(const unsigned *)arg, 3) == 0;
}

static bool
is_replaced(const struct json_value *v, unsigned round)
{
	return lot(v, round + 1, 5) == 0;
}

/* Only where something stays, or nothing was. */
static bool
is_extended(const struct json_value *v, unsigned round)
{
	const struct json_value *child;

	if (lot(v, round + 2, 3) != 0)
		return false;
	for (child = v->first; child != NULL; child = child->next)
		if (!is_gone(child, &round))
			return true;
	return v->first == NULL;
}

#define NEW "[{\"new\":0}]"

static void
edit(struct edits *e, const struct json_value *v, unsigned round)
{
	bool early = lot(v, round + 3, 2) == 0;
	const struct json_value *child;

	if (is_replaced(v, round)) {
		edits_replace(e, v, NEW);
		return;
	}
	if (v->type != JSON_OBJECT && v->type != JSON_ARRAY)
		return;
	if (early)
		edits_cut(e, v, is_gone, &round);
	if (is_extended(v, round) && v->type == JSON_OBJECT)
		edits_add(e, v, "more", NEW);
	else if (is_extended(v, round))
		edits_push(e, v, NEW);
	for (child = v->first; child != NULL; child = child->next)
		if (!is_gone(child, &round))
			edit(e, child, round);
	if (!early)
		edits_cut(e, v, is_gone, &round);
}

static void
put_comma(struct buf *out, bool *first)
{
	if (!*first)
		buf_putc(out, ',');
	*first = false;
}

/* Without space; with the edits made, unless `round` is 0. */
static void
print(struct buf *out, const struct json_value *v, unsigned round)
{
	bool object = v->type == JSON_OBJECT, first = true;
	const struct json_value *child;

	if (round > 0 && is_replaced(v, round)) {
		buf_puts(out, NEW);
		return;
	}
	if (!object && v->type != JSON_ARRAY) {
		buf_put_slice(out, v->raw);
		return;
	}
	buf_putc(out, object ? '{' : '[');
	for (child = v->first; child != NULL; child = child->next) {
		if (round > 0 && is_gone(child, &round))
			continue;
		put_comma(out, &first);
		if (object)
			buf_printf(out, "\"%.*s\":", SLICE_FMT(child->name));
		print(out, child, round);
	}
	if (round > 0 && is_extended(v, round)) {
		put_comma(out, &first);
		buf_puts(out, object ? "\"more\":" NEW : NEW);
	}
	buf_putc(out, object ? '}' : ']');
}

static const struct json_value *
parse(struct arena *arena, struct slice text)
{
	const struct json_value *root;
	struct json_error error;

	root = json_parse(arena, text, &error);
	if (root == NULL)
		fail_msg("%.*s: %s at %zu", SLICE_FMT(text), error.why,
		    error.at);
	return root;
}

static void
join(struct buf *out, const struct splice *splice)
{
	size_t i;

	buf_reset(out);
	for (i = 0; i < splice->count; i++)
		buf_put_slice(out, splice->parts[i]);
	assert_int_equal(out->len, splice->bytes);
}

/* Any edits of any text leave JSON that is as if the tree were edited. */
static void
random_edits_of_random_texts(void **state)
{
	struct buf text, result, want, got;
	const struct json_value *root;
	struct splice splice;
	struct edits edits;
	struct arena arena;
	unsigned round;

	(void)state;
	buf_init(&text, TEXT_MAX);
	buf_init(&result, TEXT_MAX);
	buf_init(&want, TEXT_MAX);
	buf_init(&got, TEXT_MAX);
	for (round = 1; round <= ROUNDS; round++) {
		arena_init(&arena, 16 * TEXT_MAX);
		buf_reset(&text);
		buf_reset(&want);
		buf_reset(&got);
		put_random(&text, 0);
		root = parse(&arena, buf_slice(&text));
		edits_init(&edits, root, &arena);
		edit(&edits, root, round);
		assert_false(edits.failed);
		edits_splice(&splice, &edits);
		assert_int_equal(splice.changes, edits.count);
		join(&result, &splice);
		print(&want, root, round);
		print(&got, parse(&arena, buf_slice(&result)), 0);
		if (strcmp(buf_text(&want), buf_text(&got)) != 0)
			fail_msg("%s\n became %s", buf_text(&text),
			    buf_text(&result));
		arena_fini(&arena);
	}
	buf_fini(&text);
	buf_fini(&result);
	buf_fini(&want);
	buf_fini(&got);
}

static void
nothing_is_copied_without_need(void **state)
{
	static const char text[] = "{\"a\":[1]}";
	struct splice splice;
	struct arena arena;
	struct edits edits;

	(void)state;
	arena_init(&arena, TEXT_MAX);
	edits_init(&edits, parse(&arena, slice_of(text)), &arena);
	edits_splice(&splice, &edits);
	assert_int_equal(splice.count, 1);
	assert_int_equal(splice.changes, 0);
	assert_ptr_equal(splice.parts[0].ptr, text);
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_edits_of_random_texts),
		cmocka_unit_test(nothing_is_copied_without_need),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
