#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/own.h"
#include "common/llm/shape.h"

/* Exchanges of real clients, in any dialect; nothing to test without them. */
#define FOLDER   "tests/golden/captures"
#define FILE_MAX ((size_t)1 << 20)

static const struct {
	const char *path;
	struct shape_wish wish;
} paths[] = {
	{ "/v1/messages/count_tokens", { DIALECT_MESSAGES, OPERATION_COUNT } },
	{ "/v1/messages", { DIALECT_MESSAGES, OPERATION_GENERATE } },
	{ "/v1/responses", { DIALECT_RESPONSES, OPERATION_GENERATE } },
	{ "/v1/chat/completions", { DIALECT_CHAT, OPERATION_GENERATE } },
};

static struct arena arena;
static const char *file_name;

static const struct json_value *
parse(struct slice text)
{
	const struct json_value *root;
	struct json_error error;

	root = json_parse(&arena, text, &error);
	if (root == NULL)
		fail_msg("%s: %s at %zu", file_name, error.why, error.at);
	return root;
}

static void
check_again(const struct owned *owned, const struct own_terms *terms)
{
	struct owned again;
	struct buf text;
	size_t i;

	buf_init(&text, FILE_MAX);
	for (i = 0; i < owned->splice.count; i++)
		buf_put_slice(&text, owned->splice.parts[i]);
	assert_int_equal(own_body(&again, &arena, parse(buf_slice(&text)),
			     terms),
	    OWN_DONE);
	assert_int_equal(again.splice.changes, 0);
	buf_fini(&text);
}

static void
check_own(const struct json_value *body, const struct shape *shape)
{
	struct own_terms terms = { .dialect = shape->dialect,
		.operation = shape->operation,
		.model = slice_of("target"),
		.output_cap = 64000,
		.cap_key = "max_completion_tokens",
		.stream = shape->stream,
		.usage_in_stream = true,
		.allowed = (1u << ALLOWS) - 1 };
	enum own_result wanted = shape->state ? OWN_INVALID : OWN_DONE;
	struct owned owned;

	if (own_body(&owned, &arena, body, &terms) != wanted)
		fail_msg("%s: %s", file_name, owned.why);
	if (wanted != OWN_DONE)
		return;
	check_again(&owned, &terms);
	/* None of these clients insists on a tool of the provider. */
	terms.allowed = 0;
	terms.drop_hosted_tools = true;
	if (own_body(&owned, &arena, body, &terms) != OWN_DONE)
		fail_msg("%s: %s", file_name, owned.why);
	assert_int_equal(owned.dropped_hosted_tools, shape->hosted_tools);
	check_again(&owned, &terms);
}

static void
check_request(const struct json_value *request)
{
	const struct json_value *body = json_find(request, "body");
	char room[JSON_WORD_MAX];
	struct slice path = json_word(json_find(request, "path"), room);
	struct shape shape;
	const char *why;
	size_t i = 0;

	if (body == NULL || body->type != JSON_OBJECT)
		return;
	while (i < count_of(paths) && !slice_starts(path, paths[i].path))
		i++;
	assert_true(i < count_of(paths));
	if (!shape_read(&shape, &arena, body, &paths[i].wish, &why))
		fail_msg("%s: %s", file_name, why);
	/* Bytes by four, as a bound: images of a few bytes cost more. */
	assert_in_range(shape.input_estimate_tokens, 1,
	    body->raw.len / 3 + 3100);
	check_own(body, &shape);
}

static void
check_file(const char *path)
{
	uint8_t *bytes = arena_room(&arena, FILE_MAX);
	FILE *f = fopen(path, "r");
	const struct json_value *exchange;
	size_t len;

	assert_non_null(f);
	len = fread(bytes, 1, FILE_MAX, f);
	fclose(f);
	exchange = json_find(parse(slice_make(bytes, len)), "exchanges")->first;
	for (; exchange != NULL; exchange = exchange->next)
		check_request(json_find(exchange, "request"));
}

static void
every_client_is_understood(void **state)
{
	DIR *folder = opendir(FOLDER);
	struct dirent *entry;

	(void)state;
	if (folder == NULL)
		skip();
	while ((entry = readdir(folder)) != NULL) {
		file_name = entry->d_name;
		if (strstr(file_name, ".json") == NULL)
			continue;
		arena_init(&arena, 64 * FILE_MAX);
		check_file(arena_printf(&arena, FOLDER "/%s", file_name));
		arena_fini(&arena);
	}
	closedir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_client_is_understood),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
