#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <regex.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/llm/capability.h"
#include "topology/group.h"
#include "topology/value.h"

#define ARENA_BYTES ((size_t)64 * 1024)

struct value_case {
	enum value_type type;
	const char *text;
	int64_t number; /* of the types that are numbers; -1: refused */
};

static const struct value_case numbers[] = {
	{ VALUE_DURATION, "500ms", 500 },
	{ VALUE_DURATION, "8s", 8000 },
	{ VALUE_DURATION, "10m", 600000 },
	{ VALUE_DURATION, "2h", 7200000 },
	{ VALUE_DURATION, "1d", 86400000 },
	{ VALUE_DURATION, "8", -1 },
	{ VALUE_DURATION, "s", -1 },
	{ VALUE_DURATION, "1.5s", -1 },
	{ VALUE_DURATION, "-8s", -1 },
	{ VALUE_DURATION, "8 s", -1 },
	{ VALUE_DURATION, "9223372036854775807d", -1 },
	{ VALUE_SIZE, "64KiB", 65536 },
	{ VALUE_SIZE, "1GiB", 1073741824 },
	{ VALUE_SIZE, "512B", 512 },
	{ VALUE_SIZE, "64KB", -1 },
	{ VALUE_SIZE, "64kib", -1 },
	{ VALUE_SIZE, "99999999999GiB", -1 },
	{ VALUE_INT, "0", 0 },
	{ VALUE_INT, "9223372036854775807", INT64_MAX },
	{ VALUE_INT, "9223372036854775808", -1 },
	{ VALUE_INT, "007", -1 },
	{ VALUE_INT, "1e3", -1 },
	{ VALUE_INT, "", -1 },
	{ VALUE_PRICE, "0.25", 250000 },
	{ VALUE_PRICE, "0", 0 },
	{ VALUE_PRICE, "15", 15000000 },
	{ VALUE_PRICE, "-1", -1 },
	{ VALUE_PRICE, "0,25", -1 },
	{ VALUE_SHARE, "0.93", 930000 },
	{ VALUE_SHARE, "93%", 930000 },
	{ VALUE_SHARE, "2.5%", 25000 },
	{ VALUE_SHARE, "0.0001%", 1 },
	{ VALUE_SHARE, "0.00001%", -1 },
	{ VALUE_SHARE, "0", 0 },
	{ VALUE_SHARE, "1", 1000000 },
	{ VALUE_SHARE, "1.0", 1000000 },
	{ VALUE_SHARE, "100%", 1000000 },
	{ VALUE_SHARE, "1.1", -1 },
	{ VALUE_SHARE, "101%", -1 },
	{ VALUE_SHARE, "93", -1 },
	{ VALUE_SHARE, "%", -1 },
	{ VALUE_SHARE, "", -1 },
	{ VALUE_SHARE, "-1%", -1 },
	{ VALUE_SHARE, "93 %", -1 },
	{ VALUE_WEIGHT, "0.25", 250000 },
	{ VALUE_WEIGHT, "2", 2000000 },
	{ VALUE_WEIGHT, "-1", -1 },
	{ VALUE_MONEY, "25", 25000000 },
	{ VALUE_MONEY, "0.50", 500000 },
	{ VALUE_MONEY, "0", 0 },
	{ VALUE_MONEY, "1000000000", 1000000000000000 },
	{ VALUE_MONEY, "0.000001", 1 },
	{ VALUE_MONEY, "0.0000001", -1 },
	{ VALUE_MONEY, "9999999999999999", -1 },
	{ VALUE_MONEY, "1.", -1 },
	{ VALUE_MONEY, ".5", -1 },
	{ VALUE_MONEY, "1.-5", -1 },
	{ VALUE_MONEY, "-1", -1 },
	{ VALUE_MONEY, "$1", -1 },
	{ VALUE_MONEY, "", -1 },
};

static void
numbers_carry_their_unit(void **state)
{
	struct arena arena;
	int64_t number;
	size_t i;

	(void)state;
	arena_init(&arena, ARENA_BYTES);
	for (i = 0; i < count_of(numbers); i++) {
		const struct value_case *c = &numbers[i];
		bool fine = value_spec(c->type)->read(&arena, slice_of(c->text),
		    &number);

		if (fine != (c->number >= 0))
			fail_msg("'%s'", c->text);
		if (fine)
			assert_int_equal(number, c->number);
	}
	arena_fini(&arena);
}

struct text_case {
	enum value_type type;
	const char *text;
	const char *read; /* NULL: refused */
};

static const struct text_case texts[] = {
	{ VALUE_NAME, "a", "a" },
	{ VALUE_NAME, "0a.b_c-d", "0a.b_c-d" },
	{ VALUE_NAME, "A", NULL },
	{ VALUE_NAME, "-a", NULL },
	{ VALUE_NAME, "a/b", NULL },
	{ VALUE_NAME, "..", NULL },
	{ VALUE_NAME,
	    "0123456789012345678901234567890123456789012345678901234567890123",
	    NULL },
	{ VALUE_MODEL, "qwen/Qwen3-Coder:free", "qwen/Qwen3-Coder:free" },
	{ VALUE_MODEL, "gpt 5", NULL },
	{ VALUE_MODEL, "gpt*", NULL },
	{ VALUE_TARGET, "openai/gpt-5-mini", "openai/gpt-5-mini" },
	{ VALUE_TARGET, "openrouter/qwen/qwen3", "openrouter/qwen/qwen3" },
	{ VALUE_TARGET, "openai", NULL },
	{ VALUE_TARGET, "openai/", NULL },
	{ VALUE_TARGET, "openai/*", NULL },
	{ VALUE_GRANT, "openai/*", "openai/*" },
	{ VALUE_GRANT, "openai/gpt-*", "openai/gpt-*" },
	{ VALUE_GRANT, "*", NULL },
	{ VALUE_GRANT, "*/gpt", NULL },
	{ VALUE_GRANT, "openai/*mini", NULL },
	{ VALUE_ADDRESS, "egress.acme.internal:7443",
	    "egress.acme.internal:7443" },
	{ VALUE_ADDRESS, "[::1]:7443", "[::1]:7443" },
	{ VALUE_ADDRESS, "::1:7443", NULL },
	{ VALUE_ADDRESS, "host", NULL },
	{ VALUE_ADDRESS, "host:0", NULL },
	{ VALUE_ADDRESS, "host:65536", NULL },
	{ VALUE_ADDRESS, "ho st:1", NULL },
	{ VALUE_LISTEN, "127.0.0.1:0", "127.0.0.1:0" },
	{ VALUE_LISTEN, ":8080", NULL },
	{ VALUE_URL, "https://api.openai.com/v1/",
	    "https://api.openai.com/v1" },
	{ VALUE_URL, "http://10.0.0.7:8000", "http://10.0.0.7:8000" },
	{ VALUE_URL, "http://[::1]:8000/v1", "http://[::1]:8000/v1" },
	{ VALUE_URL, "https://key@host/v1", NULL },
	{ VALUE_URL, "https://host/v1?key=1", NULL },
	{ VALUE_URL, "https://host/v1#a", NULL },
	{ VALUE_URL, "ftp://host", NULL },
	{ VALUE_URL, "https://", NULL },
	{ VALUE_URL, "https:///v1", NULL },
	{ VALUE_PATH, "/etc/ca.pem", "/etc/ca.pem" },
	{ VALUE_PATH, "ca.pem", NULL },
	{ VALUE_SECRET, "secret/openai", "openai" },
	{ VALUE_SECRET, "secret/", NULL },
	{ VALUE_SECRET, "sk-123", NULL },
	{ VALUE_SECRET, "secret/../x", NULL },
	{ VALUE_TEXT, "Assistant für alle", "Assistant für alle" },
	{ VALUE_TEXT, "two\nlines", NULL },
	{ VALUE_TEXT, "", NULL },
	{ VALUE_POLICY, "policies/cheapest.js", "policies/cheapest.js" },
	{ VALUE_POLICY, "a_b/c-d/E.f.js", "a_b/c-d/E.f.js" },
	{ VALUE_POLICY, "x.js", "x.js" },
	{ VALUE_POLICY, "/etc/x.js", NULL },
	{ VALUE_POLICY, "../x.js", NULL },
	{ VALUE_POLICY, "policies/../../x.js", NULL },
	{ VALUE_POLICY, "policies//x.js", NULL },
	{ VALUE_POLICY, "policies/.js", NULL },
	{ VALUE_POLICY, ".js", NULL },
	{ VALUE_POLICY, "policies/x.py", NULL },
	{ VALUE_POLICY, "policies/a b.js", NULL },
};

static void
texts_are_what_they_say(void **state)
{
	struct arena arena;
	struct slice read;
	size_t i;

	(void)state;
	arena_init(&arena, ARENA_BYTES);
	for (i = 0; i < count_of(texts); i++) {
		const struct text_case *c = &texts[i];
		bool fine =
		    value_spec(c->type)->read(&arena, slice_of(c->text), &read);

		if (fine != (c->read != NULL))
			fail_msg("'%s'", c->text);
		if (fine && !slice_is(read, c->read))
			fail_msg("'%s' read as '%.*s'", c->text,
			    SLICE_FMT(read));
		/* Slices of records are C strings too. */
		if (fine)
			assert_int_equal(read.ptr[read.len], '\0');
	}
	arena_fini(&arena);
}

static void
pattern_accepts(enum value_type type, const char *text)
{
	const struct value_spec *spec = value_spec(type);
	regex_t pattern;

	assert_int_equal(regcomp(&pattern, spec->pattern,
			     REG_EXTENDED | REG_NOSUB),
	    0);
	if (regexec(&pattern, text, 0, NULL, 0) != 0)
		fail_msg("'%s' against %s", text, spec->pattern);
	regfree(&pattern);
}

/* What is read fits the pattern for editors; words aside. */
static void
patterns_accept_what_is_read(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < count_of(texts); i++)
		if (texts[i].read != NULL)
			pattern_accepts(texts[i].type, texts[i].text);
	for (i = 0; i < count_of(numbers); i++)
		if (numbers[i].number >= 0)
			pattern_accepts(numbers[i].type, numbers[i].text);
}

struct word_case {
	enum value_type type;
	const char *text;
	int value; /* as an int; -1: refused */
};

static const struct word_case words[] = {
	{ VALUE_STRATEGY, "static", STRATEGY_STATIC },
	{ VALUE_STRATEGY, "external", STRATEGY_EXTERNAL },
	{ VALUE_STRATEGY, "Static", -1 },
	{ VALUE_FALLBACK, "score", STRATEGY_SCORE },
	{ VALUE_FALLBACK, "script", -1 },
	{ VALUE_FALLBACK, "external", -1 },
	{ VALUE_MODE, "baseline", EXTERNAL_BASELINE },
	{ VALUE_MODE, "enforce", EXTERNAL_ENFORCE },
	{ VALUE_MODE, "off", -1 },
	{ VALUE_ON_ERROR, "fall-back", false },
	{ VALUE_ON_ERROR, "fail-closed", true },
	{ VALUE_ON_ERROR, "true", -1 },
	{ VALUE_SWITCH, "false", false },
	{ VALUE_SWITCH, "true", true },
	{ VALUE_SWITCH, "yes", -1 },
	{ VALUE_IMPLIED, "forced_tools", CAPABILITY_FORCED_TOOLS },
	{ VALUE_IMPLIED, "output_cap", CAPABILITY_OUTPUT_CAP },
	{ VALUE_IMPLIED, "tools", -1 },
	{ VALUE_IMPLIED, "audio", -1 },
};

static void
words_are_read_to_their_values(void **state)
{
	struct arena arena;
	size_t i;

	(void)state;
	arena_init(&arena, ARENA_BYTES);
	for (i = 0; i < count_of(words); i++) {
		const struct word_case *c = &words[i];
		int value = 0;
		bool fine = value_spec(c->type)->read(&arena, slice_of(c->text),
		    &value);

		if (fine != (c->value >= 0))
			fail_msg("'%s'", c->text);
		if (fine)
			assert_int_equal(value, c->value);
	}
	arena_fini(&arena);
}

static void
a_hash_is_64_hex_digits(void **state)
{
	const struct value_spec *spec = value_spec(VALUE_HASH);
	struct hash hash = hash_of("x", 1), read;
	char text[2 * HASH_BYTES + 1];

	(void)state;
	hex_write(text, hash.bytes, sizeof(hash.bytes));
	assert_true(spec->read(NULL, slice_of(text), &read));
	assert_memory_equal(&read, &hash, sizeof(hash));
	pattern_accepts(VALUE_HASH, text);
	assert_false(spec->read(NULL, slice_of(text + 1), &read));
	text[0] = 'g';
	assert_false(spec->read(NULL, slice_of(text), &read));
}

static void
numbers_are_written_as_people_do(void **state)
{
	char text[VALUE_NUMBER_CHARS];

	(void)state;
	value_write_number(VALUE_DURATION, 90000, text);
	assert_string_equal(text, "90s");
	value_write_number(VALUE_DURATION, 100, text);
	assert_string_equal(text, "100ms");
	value_write_number(VALUE_DURATION, 86400000, text);
	assert_string_equal(text, "1d");
	value_write_number(VALUE_SIZE, 65536, text);
	assert_string_equal(text, "64KiB");
	value_write_number(VALUE_SHARE, 20000, text);
	assert_string_equal(text, "2%");
	value_write_number(VALUE_SHARE, 500001, text);
	assert_string_equal(text, "50.0001%");
	value_write_number(VALUE_INT, 12, text);
	assert_string_equal(text, "12");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_carry_their_unit),
		cmocka_unit_test(texts_are_what_they_say),
		cmocka_unit_test(patterns_accept_what_is_read),
		cmocka_unit_test(words_are_read_to_their_values),
		cmocka_unit_test(a_hash_is_64_hex_digits),
		cmocka_unit_test(numbers_are_written_as_people_do),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
