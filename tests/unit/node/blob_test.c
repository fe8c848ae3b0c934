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
#include "node/blob.h"

#define ARENA_BYTES (1 << 20)
#define SEEN_MAX    4096

/* "value<holder's type>" of each, and an m when a message holds it. */
static void
on_blob(void *arg, const struct blob *blob)
{
	struct buf *seen = arg;
	const struct json_value *v, *type = json_find(blob->holder, "type");
	bool listed = blob->list == NULL;

	buf_puts(seen, seen->len > 0 ? " " : "");
	buf_put_slice(seen,
	    slice_make(blob->value->raw.ptr + 1, blob->value->raw.len - 2));
	buf_printf(seen, "<%.*s>", (int)type->raw.len - 2, type->raw.ptr + 1);
	if (blob->message != NULL) {
		assert_ptr_equal(json_find(blob->message, "content"),
		    blob->list);
		buf_putc(seen, 'm');
	}
	for (v = listed ? NULL : blob->list->first; v != NULL; v = v->next)
		listed = listed || v == blob->holder;
	assert_true(listed);
}

static void
expect(enum dialect dialect, bool request, const char *text,
    const char *expected)
{
	const struct json_value *root;
	struct json_error error;
	struct arena arena;
	struct buf seen;

	arena_init(&arena, ARENA_BYTES);
	buf_init(&seen, SEEN_MAX);
	root = json_parse(&arena, slice_of(text), &error);
	assert_non_null(root);
	blob_each(root, dialect, request, on_blob, &seen);
	assert_string_equal(buf_text(&seen), expected);
	buf_fini(&seen);
	arena_fini(&arena);
}

static void
messages_request(void **state)
{
	(void)state;
	expect(DIALECT_MESSAGES, true,
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
	    "{\"role\":\"assistant\",\"content\":["
	    "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"Eq==\"},"
	    "{\"type\":\"redacted_thinking\",\"data\":\"Em\"},"
	    "{\"type\":\"text\",\"text\":\"x\",\"signature\":\"no\"},"
	    "{\"type\":\"tool_use\",\"input\":{\"type\":\"thinking\","
	    "\"signature\":\"no\"}}]},"
	    "{\"role\":\"assistant\",\"content\":["
	    "{\"type\":\"thinkin\\u0067\",\"signature\":\"E\\/q\"}]}]}",
	    "Eq==<thinking>m Em<redacted_thinking>m "
	    "E\\/q<thinkin\\u0067>m");
}

static void
messages_answers(void **state)
{
	(void)state;
	expect(DIALECT_MESSAGES, false,
	    "{\"type\":\"message\",\"content\":["
	    "{\"type\":\"thinking\",\"signature\":\"a\"},"
	    "{\"type\":\"redacted_thinking\",\"data\":\"b\"}]}",
	    "a<thinking> b<redacted_thinking>");
	expect(DIALECT_MESSAGES, false,
	    "{\"type\":\"message_start\",\"message\":{\"content\":["
	    "{\"type\":\"redacted_thinking\",\"data\":\"b\"}]}}",
	    "b<redacted_thinking>");
	expect(DIALECT_MESSAGES, false,
	    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
	    "{\"type\":\"redacted_thinking\",\"data\":\"b\"}}",
	    "b<redacted_thinking>");
	/* The signature comes in a delta of its own. */
	expect(DIALECT_MESSAGES, false,
	    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
	    "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}",
	    "");
	expect(DIALECT_MESSAGES, false,
	    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
	    "{\"type\":\"signature_delta\",\"signature\":\"s\"}}",
	    "s<signature_delta>");
	expect(DIALECT_MESSAGES, false,
	    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
	    "{\"type\":\"text_delta\",\"text\":\"s\"}}",
	    "");
}

static void
responses_request(void **state)
{
	(void)state;
	expect(DIALECT_RESPONSES, true,
	    "{\"input\":[{\"role\":\"user\",\"content\":\"hi\"},"
	    "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],"
	    "\"encrypted_content\":\"gA\"},"
	    "{\"type\":\"compaction\",\"encrypted_content\":\"gB\"},"
	    "{\"type\":\"reasoning\",\"encrypted_content\":null},"
	    "{\"type\":\"message\",\"encrypted_content\":\"no\"}]}",
	    "gA<reasoning> gB<compaction>");
	expect(DIALECT_RESPONSES, true, "{\"input\":\"hi\"}", "");
}

static void
responses_answers(void **state)
{
	(void)state;
	expect(DIALECT_RESPONSES, false,
	    "{\"object\":\"response\",\"output\":["
	    "{\"type\":\"reasoning\",\"encrypted_content\":\"gA\"}]}",
	    "gA<reasoning>");
	expect(DIALECT_RESPONSES, false,
	    "{\"type\":\"response.output_item.added\",\"item\":"
	    "{\"type\":\"reasoning\",\"encrypted_content\":\"gA\"}}",
	    "gA<reasoning>");
	expect(DIALECT_RESPONSES, false,
	    "{\"type\":\"response.output_item.done\",\"item\":"
	    "{\"type\":\"compaction\",\"encrypted_content\":\"gA\"}}",
	    "gA<compaction>");
	expect(DIALECT_RESPONSES, false,
	    "{\"type\":\"response.completed\",\"response\":{\"output\":["
	    "{\"type\":\"message\",\"content\":[]},"
	    "{\"type\":\"reasoning\",\"encrypted_content\":\"gA\"}]}}",
	    "gA<reasoning>");
}

static void
of_other_dialects_and_types_nothing(void **state)
{
	static const char *const odd[] = { "[]", "1", "{}",
		"{\"messages\":1,\"input\":{},\"content\":\"x\",\"delta\":[]}",
		"{\"messages\":[1,[],{\"content\":{}},{\"content\":[1,null]}],"
		"\"input\":[1,[],{\"type\":1}],\"output\":[{}],"
		"\"content\":[{\"type\":[]}],\"item\":\"x\",\"response\":[]}",
		"{\"content\":[{\"type\":\"thinking\",\"signature\":1}],"
		"\"input\":[{\"type\":\"reasoning\","
		"\"encrypted_content\":[]}]}" };
	size_t i, d;

	(void)state;
	for (i = 0; i < count_of(odd); i++)
		for (d = 0; d < DIALECTS; d++) {
			expect((enum dialect)d, true, odd[i], "");
			expect((enum dialect)d, false, odd[i], "");
		}
	expect(DIALECT_CHAT, false,
	    "{\"content\":[{\"type\":\"thinking\",\"signature\":\"a\"}],"
	    "\"output\":[{\"type\":\"reasoning\","
	    "\"encrypted_content\":\"gA\"}]}",
	    "");
	expect(DIALECT_RESPONSES, false,
	    "{\"content\":[{\"type\":\"thinking\",\"signature\":\"a\"}]}", "");
}

/* Blobs that begin with x go. */
static bool
is_foreign(void *arg, const struct json_value *blob)
{
	(void)arg;
	return blob->raw.ptr[1] == 'x';
}

static void
expect_cut(enum dialect dialect, const char *text, size_t count,
    const char *expected)
{
	struct json_error error;
	struct splice splice;
	struct edits edits;
	struct arena arena;
	struct buf out;
	size_t i;

	arena_init(&arena, ARENA_BYTES);
	buf_init(&out, SEEN_MAX);
	edits_init(&edits, json_parse(&arena, slice_of(text), &error), &arena);
	assert_int_equal(blob_cut(&edits, dialect, is_foreign, NULL), count);
	edits_splice(&splice, &edits);
	for (i = 0; i < splice.count; i++)
		buf_put_slice(&out, splice.parts[i]);
	assert_string_equal(buf_text(&out), expected);
	assert_non_null(json_parse(&arena, buf_slice(&out), &error));
	buf_fini(&out);
	arena_fini(&arena);
}

#define THOUGHT(signature)                                                     \
	"{\"type\":\"thinking\",\"signature\":\"" signature "\"}"
#define SAID    "{\"type\":\"text\",\"text\":\"x\"}"
#define ITEM(b) "{\"type\":\"reasoning\",\"encrypted_content\":\"" b "\"}"
#define MESSAGES(content)                                                      \
	"{\"messages\":[{\"content\":\"hi\"},{\"content\":[" content           \
	"]},{\"content\":[]}],\"n\":1}"

static void
foreign_ones_are_cut_in_every_place(void **state)
{
	(void)state;
	expect_cut(DIALECT_RESPONSES,
	    "{\"input\":[" ITEM("x") ", 1 ," ITEM("y") "," ITEM("x2") "]}", 2,
	    "{\"input\":[1 ," ITEM("y") "]}");
	expect_cut(DIALECT_RESPONSES, "{\"input\":[ " ITEM("x") " ]}", 1,
	    "{\"input\":[  ]}");
	expect_cut(DIALECT_RESPONSES, "{\"input\":\"hi\"}", 0,
	    "{\"input\":\"hi\"}");
	expect_cut(DIALECT_MESSAGES, MESSAGES(THOUGHT("x") "," SAID), 1,
	    MESSAGES(SAID));
	expect_cut(DIALECT_MESSAGES, MESSAGES(SAID "," THOUGHT("x")), 1,
	    MESSAGES(SAID));
	expect_cut(DIALECT_MESSAGES,
	    MESSAGES(THOUGHT("x") "," THOUGHT("y") "," THOUGHT("x")), 2,
	    MESSAGES(THOUGHT("y")));
	expect_cut(DIALECT_MESSAGES, MESSAGES(SAID "," THOUGHT("y")), 0,
	    MESSAGES(SAID "," THOUGHT("y")));
	/* Nothing is left of the message. */
	expect_cut(DIALECT_MESSAGES, MESSAGES(THOUGHT("x") "," THOUGHT("x2")),
	    2,
	    "{\"messages\":[{\"content\":\"hi\"},{\"content\":[]}],"
	    "\"n\":1}");
	expect_cut(DIALECT_MESSAGES,
	    "{\"messages\":[{\"content\":[" THOUGHT("x") "]}]}", 1,
	    "{\"messages\":[]}");
	expect_cut(DIALECT_CHAT, MESSAGES(THOUGHT("x")), 0,
	    MESSAGES(THOUGHT("x")));
}

static void
thinking_without_a_blob_is_cut(void **state)
{
	(void)state;
	expect_cut(DIALECT_MESSAGES, MESSAGES(THOUGHT("") "," SAID), 1,
	    MESSAGES(SAID));
	expect_cut(DIALECT_RESPONSES,
	    "{\"input\":[{\"type\":\"reasoning\",\"id\":"
	    "\"rs_01ARZ3NDEKTSV4RRFFQ69G5FAV_0\",\"summary\":[]},1]}",
	    1, "{\"input\":[1]}");
	expect_cut(DIALECT_RESPONSES,
	    "{\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_theirs\"}]}", 0,
	    "{\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_theirs\"}]}");
}

#define LOOP(thinking, blocks, behind)                                         \
	"{\"thinking\":{\"type\":\"" thinking "\"},\"messages\":["             \
	"{\"role\":\"assistant\",\"content\":[" blocks "]},{\"role\":"         \
	"\"user\",\"content\":[{\"type\":\"" behind "\"}]}]}"
#define CALL "{\"type\":\"tool_use\"}"

static void
a_loop_without_its_thinking_is_told(void **state)
{
	static const struct {
		const char *text;
		bool bare;
	} rows[] = {
		{ LOOP("enabled", CALL, "tool_result"), true },
		{ LOOP("enabled", THOUGHT("y") "," CALL, "tool_result"),
		    false },
		{ LOOP("adaptive", CALL, "tool_result"), false },
		{ LOOP("enabled", CALL, "text"), false },
		{ "{\"thinking\":{\"type\":\"enabled\"}}", false },
	};
	struct json_error error;
	struct arena arena;
	size_t i;

	(void)state;
	arena_init(&arena, ARENA_BYTES);
	for (i = 0; i < count_of(rows); i++)
		assert_int_equal(blob_loop_is_bare(json_parse(&arena,
				     slice_of(rows[i].text), &error)),
		    rows[i].bare);
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_request),
		cmocka_unit_test(messages_answers),
		cmocka_unit_test(responses_request),
		cmocka_unit_test(responses_answers),
		cmocka_unit_test(foreign_ones_are_cut_in_every_place),
		cmocka_unit_test(thinking_without_a_blob_is_cut),
		cmocka_unit_test(a_loop_without_its_thinking_is_told),
		cmocka_unit_test(of_other_dialects_and_types_nothing),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
