#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/format/json.h"

#define LINE_MAX_BYTES 4096 /* what a pipe takes in one piece */

static char line[2 * LINE_MAX_BYTES];
static int kept_stderr, pipe_ends[2];

static void
start_capture(void)
{
	assert_int_equal(pipe(pipe_ends), 0);
	kept_stderr = dup(STDERR_FILENO);
	assert_true(dup2(pipe_ends[1], STDERR_FILENO) >= 0);
	assert_int_equal(close(pipe_ends[1]), 0);
}

/* What was written since start_capture. */
static struct slice
end_capture(void)
{
	ssize_t n;

	assert_true(dup2(kept_stderr, STDERR_FILENO) >= 0);
	close(kept_stderr);
	n = read(pipe_ends[0], line, sizeof(line));
	close(pipe_ends[0]);
	assert_true(n >= 0);
	return slice_make(line, (size_t)n);
}

static void
log_fields(const struct log_field *fields, size_t count)
{
	log_write(LOG_INFO, "it happened", fields, count);
}

/* Checks that all of it is one line and one JSON object. */
static const struct json_value *
parse_line(struct arena *arena, struct slice text)
{
	const struct json_value *root;
	struct json_error error;
	size_t i;

	assert_true(text.len > 1 && text.len <= LINE_MAX_BYTES);
	assert_int_equal(text.ptr[text.len - 1], '\n');
	text.len--;
	for (i = 0; i < text.len; i++)
		assert_false(
		    (uint8_t)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f);
	root = json_parse(arena, text, &error);
	if (root == NULL)
		fail_msg("%s at %zu of %.*s", error.why, error.at,
		    SLICE_FMT(text));
	assert_int_equal(root->type, JSON_OBJECT);
	return root;
}

static void
assert_text(const struct json_value *root, struct arena *arena,
    const char *name, struct slice want)
{
	struct slice got;

	assert_true(json_text(json_find(root, name), arena, &got));
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.ptr, want.ptr, want.len);
}

static void
a_line_has_its_fields(void **state)
{
	const struct json_value *root;
	struct arena arena;
	int64_t number;

	(void)state;
	arena_init(&arena, 1 << 20);
	start_capture();
	log_name("node-1");
	log_warn("it happened", log_str("peer", "egress"),
	    log_int("least", INT64_MIN), log_str("none", NULL));
	root = parse_line(&arena, end_capture());
	assert_text(root, &arena, "level", slice_of("warn"));
	assert_text(root, &arena, "member", slice_of("node-1"));
	assert_text(root, &arena, "text", slice_of("it happened"));
	assert_text(root, &arena, "peer", slice_of("egress"));
	assert_text(root, &arena, "none", slice_of(""));
	assert_true(json_int(json_find(root, "least"), &number));
	assert_true(number == INT64_MIN);
	assert_null(json_find(root, "left_out"));
	arena_fini(&arena);
}

static void
every_byte_is_escaped_or_replaced(void **state)
{
	struct arena arena;
	struct log_field f;
	const struct json_value *root;
	char odd[3] = { 'a', 0, 'b' };
	int byte;

	(void)state;
	for (byte = 0; byte < 256; byte++) {
		odd[1] = (char)byte;
		f = log_slice("odd", slice_make(odd, sizeof(odd)));
		arena_init(&arena, 1 << 20);
		start_capture();
		log_fields(&f, 1);
		root = parse_line(&arena, end_capture());
		assert_text(root, &arena, "odd",
		    byte < 0x80 ? slice_make(odd, 3)
				: slice_of("a\xef\xbf\xbd"
					   "b"));
		arena_fini(&arena);
	}
}

static void
long_texts_are_cut_and_fields_left_out(void **state)
{
	static const char *const fills[] = { "a", "\x01", "\"", "\\", "\xff",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80" };
	static char text[9000];
	struct log_field fields[12];
	const struct json_value *root;
	struct arena arena;
	size_t fill, len, i, bytes;

	(void)state;
	for (fill = 0; fill < count_of(fills); fill++) {
		bytes = strlen(fills[fill]);
		for (i = 0; i < sizeof(text); i++)
			text[i] = fills[fill][i % bytes];
		for (len = 0; len < sizeof(text); len += len / 5 + 1) {
			for (i = 0; i < count_of(fields); i++)
				fields[i] =
				    log_slice("f", slice_make(text, len));
			fields[0].name = "a";
			fields[1].name = "b";
			arena_init(&arena, 1 << 20);
			start_capture();
			log_fields(fields, 2);
			root = parse_line(&arena, end_capture());
			assert_non_null(json_find(root, "a"));
			assert_non_null(json_find(root, "b"));
			start_capture();
			log_fields(fields + 1, 1);
			parse_line(&arena, end_capture());
			arena_fini(&arena);
		}
	}
}

static void
says_when_fields_were_left_out(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	static char text[600];
	struct log_field fields[count_of(names)];
	const struct json_value *root;
	struct arena arena;
	size_t i;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (i = 0; i < count_of(names); i++)
		fields[i] = log_slice(names[i], slice_make(text, sizeof(text)));
	arena_init(&arena, 1 << 20);
	start_capture();
	log_fields(fields, count_of(fields));
	root = parse_line(&arena, end_capture());
	assert_non_null(json_find(root, "a"));
	assert_null(json_find(root, "e"));
	assert_int_equal(json_find(root, "left_out")->type, JSON_TRUE);
	arena_fini(&arena);
}

/* The text and the member's name are ours, but may not break a line either. */
static void
a_line_survives_any_beginning(void **state)
{
	static char text[3000], name[3000];
	struct arena arena;
	struct slice got;

	(void)state;
	memset(text, 0x02, sizeof(text) - 1);
	memset(name, '"', sizeof(name) - 1);
	log_name(name);
	arena_init(&arena, 1 << 20);
	start_capture();
	log_error(text, log_str("field", name));
	got = end_capture();
	log_name("");
	parse_line(&arena, got);
	arena_fini(&arena);
}

static void
lower_levels_are_not_written(void **state)
{
	enum log_level level = LOG_ERROR;

	(void)state;
	start_capture();
	log_debug("quiet");
	assert_int_equal(end_capture().len, 0);
	assert_true(log_level_parse(&level, slice_of("debug")));
	assert_false(log_level_parse(&level, slice_of("Debug")));
	log_threshold(level);
	start_capture();
	log_debug("loud");
	assert_true(end_capture().len > 0);
	log_threshold(LOG_INFO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_fields),
		cmocka_unit_test(every_byte_is_escaped_or_replaced),
		cmocka_unit_test(long_texts_are_cut_and_fields_left_out),
		cmocka_unit_test(says_when_fields_were_left_out),
		cmocka_unit_test(a_line_survives_any_beginning),
		cmocka_unit_test(lower_levels_are_not_written),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
