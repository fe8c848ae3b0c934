#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/llm/quirk.h"
#include "topology/preset.h"

static void
every_type_can_be_called(void **state)
{
	const struct provider_type *t;
	size_t i;
	int d;

	(void)state;
	for (i = 0; (t = preset_at(i)) != NULL; i++) {
		assert_string_equal(preset_name(i), t->name);
		assert_ptr_equal(preset_find(slice_of(t->name)), t);
		assert_non_null(t->auth_field);
		assert_non_null(t->auth_prefix);
		assert_non_null(t->cap_key);
		assert_true(t->dialects != 0);
		assert_int_equal(t->dialects >> DIALECTS, 0);
		assert_int_equal(t->quirks >> QUIRKS, 0);
		for (d = 0; d < DIALECTS; d++)
			assert_int_equal(t->paths[d][0], '/');
	}
	assert_null(preset_name(i));
	assert_null(preset_find(slice_of("openia")));
}

static void
each_speaks_what_it_has(void **state)
{
	static const unsigned chat = 1u << DIALECT_CHAT,
			      responses = 1u << DIALECT_RESPONSES,
			      messages = 1u << DIALECT_MESSAGES;
	const struct {
		const char *name, *auth_field;
		unsigned dialects, has, lacks;
	} types[] = {
		{ "openai", "Authorization", chat | responses,
		    QUIRK_DEVELOPER_ROLE, QUIRK_SHORT_TOOL_IDS },
		{ "azure", "api-key", chat | responses, QUIRK_CUSTOM_TOOLS,
		    QUIRK_REASONING_BACK },
		{ "anthropic", "x-api-key", messages, 0,
		    QUIRK_USAGE_IN_STREAM },
		{ "openrouter", "Authorization", chat | responses | messages,
		    QUIRK_USAGE_IN_STREAM, QUIRK_OPENAI_FIELDS },
		{ "mistral", "Authorization", chat, QUIRK_SHORT_TOOL_IDS,
		    QUIRK_USAGE_IN_STREAM },
		{ "deepseek", "Authorization", chat, QUIRK_REASONING_BACK,
		    QUIRK_JSON_SCHEMA },
		{ "vllm", "Authorization", chat, QUIRK_USAGE_IN_STREAM,
		    QUIRK_DEVELOPER_ROLE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(types); i++) {
		const struct provider_type *t =
		    preset_find(slice_of(types[i].name));

		assert_non_null(t);
		assert_string_equal(t->auth_field, types[i].auth_field);
		assert_int_equal(t->dialects, types[i].dialects);
		assert_int_equal(t->quirks & types[i].has, types[i].has);
		assert_true((t->quirks & types[i].lacks) == 0);
	}
	assert_string_equal(preset_find(slice_of("anthropic"))->count_path,
	    "/messages/count_tokens");
	assert_null(preset_find(slice_of("openai"))->count_path);
}

static void
url_of(const char *type, enum dialect d, enum operation o, const char *expect)
{
	const struct provider p = { .type = preset_find(slice_of(type)),
		.base_url = slice_of("https://a/v1") };
	struct buf url;

	buf_init(&url, 256);
	provider_put_url(&url, &p, d, o);
	assert_string_equal(buf_text(&url), expect);
	buf_fini(&url);
}

static void
a_url_is_of_dialect_and_operation(void **state)
{
	(void)state;
	url_of("openai", DIALECT_CHAT, OPERATION_GENERATE,
	    "https://a/v1/chat/completions");
	url_of("vllm", DIALECT_RESPONSES, OPERATION_GENERATE,
	    "https://a/v1/responses");
	url_of("anthropic", DIALECT_MESSAGES, OPERATION_GENERATE,
	    "https://a/v1/messages");
	url_of("anthropic", DIALECT_MESSAGES, OPERATION_COUNT,
	    "https://a/v1/messages/count_tokens");
}

static void
quirks_have_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; quirk_name(i) != NULL; i++)
		assert_true(quirk_meaning(i)[0] != '\0');
	assert_int_equal(i, QUIRKS);
	assert_string_equal(quirk_name(0), "usage_in_stream");
	assert_int_equal(QUIRK_USAGE_IN_STREAM, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_can_be_called),
		cmocka_unit_test(each_speaks_what_it_has),
		cmocka_unit_test(a_url_is_of_dialect_and_operation),
		cmocka_unit_test(quirks_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
