#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/estimate.h"

static struct arena arena;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 16 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static int64_t
estimate(enum dialect d, const char *text)
{
	const struct json_value *root;
	struct json_error error;

	root = json_parse(&arena, slice_of(text), &error);
	if (root == NULL)
		fail_msg("%s: %s", text, error.why);
	return estimate_tokens(root, d);
}

#define PRIMING 3
#define MESSAGE 3

static void
messages_have_text_and_overhead(void **state)
{
	(void)state;
	assert_int_equal(estimate(DIALECT_CHAT, "{}"), PRIMING);
	assert_int_equal(estimate(DIALECT_CHAT,
			     "{\"model\":\"long name of a model\","
			     "\"messages\":[]}"),
	    PRIMING);
	/* Ten words, centred, and two messages. */
	assert_int_equal(
	    estimate(DIALECT_CHAT,
		"{\"messages\":[{\"role\":\"user\",\"content\":\"a b c d e\"},"
		"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
		"\"a b c d e\"}]}]}"),
	    PRIMING + 2 * MESSAGE + 9);
	assert_int_equal(estimate(DIALECT_RESPONSES,
			     "{\"instructions\":\"a b c d e\",\"input\":\"a b "
			     "c d e\"}"),
	    PRIMING + 9);
	assert_int_equal(
	    estimate(DIALECT_MESSAGES,
		"{\"system\":[{\"type\":\"text\",\"text\":\"a b c d e\","
		"\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":["
		"{\"role\":\"user\",\"content\":\"a b c d e\"}]}"),
	    PRIMING + 2 * MESSAGE + 9);
}

#define TOOLS                                                                  \
	"{\"tools\":[{\"name\":\"get_weather\",\"description\":\"Tells the "   \
	"weather of a city\",\"input_schema\":{\"type\":\"object\"}}]}"

static void
tools_cost_by_dialect(void **state)
{
	int64_t chat = estimate(DIALECT_CHAT, TOOLS);
	int64_t messages = estimate(DIALECT_MESSAGES, TOOLS);

	(void)state;
	assert_in_range(chat, PRIMING + 15, PRIMING + 40);
	assert_in_range(messages, 500 + chat, 500 + 2 * chat);
}

/* A PNG of that size, and then a lot that says nothing. */
static const char *
picture(uint8_t width_high, uint8_t height_high)
{
	uint8_t *bytes = arena_alloc(&arena, 30000);
	char *text = arena_alloc(&arena, 50000);

	memcpy(bytes, "\x89PNG", 4);
	bytes[18] = width_high;
	bytes[22] = height_high;
	base64_write(text, bytes, 30000);
	return text;
}

static void
images_cost_by_size(void **state)
{
	static const struct {
		enum dialect dialect;
		uint8_t side; /* in 256 pixels */
		const char *format;
		int64_t tokens;
	} cases[] = {
		{ DIALECT_CHAT, 4,
		    "{\"messages\":[{\"content\":[{\"image_url\":{\"url\":"
		    "\"data:image/png;base64,%s\"}}]}]}",
		    1229 },
		{ DIALECT_CHAT, 40,
		    "{\"messages\":[{\"content\":[{\"image_url\":{\"url\":"
		    "\"data:image/png;base64,%s\",\"detail\":\"high\"}}]}]}",
		    3000 },
		{ DIALECT_CHAT, 40,
		    "{\"messages\":[{\"content\":[{\"image_url\":{\"url\":"
		    "\"data:image/png;base64,%s\",\"detail\":\"low\"}}]}]}",
		    308 },
		{ DIALECT_RESPONSES, 4,
		    "{\"input\":[{\"content\":[{\"image_url\":"
		    "\"data:image\\/png;base64,%s\"}]}]}",
		    1229 },
		{ DIALECT_MESSAGES, 4,
		    "{\"messages\":[{\"content\":[{\"type\":\"image\","
		    "\"source\":{\"type\":\"base64\",\"media_type\":"
		    "\"image/png\",\"data\":\"%s\"}}]}]}",
		    37 * 37 },
		{ DIALECT_MESSAGES, 40,
		    "{\"messages\":[{\"content\":[{\"type\":\"image\","
		    "\"source\":{\"type\":\"base64\",\"media_type\":"
		    "\"image/png\",\"data\":\"%s\"}}]}]}",
		    4784 },
	};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 1 << 20);
	for (i = 0; i < count_of(cases); i++) {
		const char *mark = strstr(cases[i].format, "%s");

		buf_reset(&b);
		buf_put(&b, cases[i].format, (size_t)(mark - cases[i].format));
		buf_puts(&b, picture(cases[i].side, cases[i].side));
		buf_puts(&b, mark + 2);
		assert_int_equal(estimate(cases[i].dialect, buf_text(&b)),
		    PRIMING + MESSAGE + cases[i].tokens);
	}
	buf_fini(&b);
}

/* What cannot be known is a constant, and never text. */
static void
other_media_are_assumed(void **state)
{
	static const struct {
		enum dialect dialect;
		const char *content;
		int64_t tokens;
	} cases[] = {
		{ DIALECT_CHAT, "{\"image_url\":{\"url\":\"https://x/y\"}}",
		    1500 },
		{ DIALECT_RESPONSES, "{\"image_url\":\"https://x/y\"}", 1500 },
		{ DIALECT_RESPONSES, "{\"image_url\":null}", 0 },
		{ DIALECT_CHAT, "{\"image_url\":\"data:\"}", 1500 },
		{ DIALECT_CHAT, "{\"image_url\":\"data:image/png;base64,\"}",
		    1500 },
		{ DIALECT_CHAT,
		    "{\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}",
		    1500 },
		{ DIALECT_MESSAGES,
		    "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"
		    "\"https://x/y\"}}",
		    1500 },
		{ DIALECT_MESSAGES,
		    "{\"type\":\"document\",\"source\":{\"type\":\"url\"}}",
		    4000 },
		{ DIALECT_MESSAGES,
		    "{\"type\":\"document\",\"source\":{\"type\":\"base64\","
		    "\"media_type\":\"application/pdf\",\"data\":\"AAAA\"}}",
		    1500 },
		{ DIALECT_MESSAGES,
		    "{\"type\":\"document\",\"source\":{\"type\":\"text\","
		    "\"media_type\":\"text/plain\",\"data\":\"a b c d e\"}}",
		    5 },
		{ DIALECT_CHAT,
		    "{\"file\":{\"file_data\":\"data:application/pdf;base64,"
		    "AAAA\"}}",
		    1500 },
		{ DIALECT_CHAT,
		    "{\"input_audio\":{\"data\":\"AAAA\",\"format\":\"mp3\"}}",
		    1 },
		{ DIALECT_MESSAGES,
		    "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":"
		    "\"AAAABBBBCCCCDDDDEEEEFFFF\"}",
		    0 },
		{ DIALECT_RESPONSES,
		    "{\"encrypted_content\":\"AAAABBBBCCCCDD\"}", 2 },
		{ DIALECT_MESSAGES,
		    "{\"type\":\"tool_use\",\"id\":\"x\",\"input\":{\"a\":1}}",
		    5 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		const char *text =
		    arena_printf(&arena, "{\"%s\":[{\"content\":[%s]}]}",
			cases[i].dialect == DIALECT_RESPONSES ? "input"
							      : "messages",
			cases[i].content);
		int64_t tokens =
		    estimate(cases[i].dialect, text) - PRIMING - MESSAGE;

		if (tokens != cases[i].tokens)
			fail_msg("%s: %lld", text, (long long)tokens);
	}
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(messages_have_text_and_overhead),
		FRESH(tools_cost_by_dialect),
		FRESH(images_cost_by_size),
		FRESH(other_media_are_assumed),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
