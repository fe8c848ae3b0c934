#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/shape.h"
#include "node/affinity.h"

#define SECOND ((int64_t)US_PER_SECOND)
#define NOW    (5000 * SECOND)

static uint64_t
key_for(enum dialect dialect, const char *body, const char *group,
    const char *caller)
{
	struct shape shape = { .dialect = dialect };
	const struct json_value *root;
	struct json_error error;
	struct arena arena;
	uint64_t key;

	arena_init(&arena, 1 << 20);
	root = json_parse(&arena, slice_of(body), &error);
	assert_non_null(root);
	key = affinity_key(root, &shape, slice_of(group), slice_of(caller));
	arena_fini(&arena);
	return key;
}

static uint64_t
key(enum dialect dialect, const char *body)
{
	return key_for(dialect, body, "fast", "amy");
}

static void
is_the_same(enum dialect dialect, const char *first, const char *later)
{
	assert_true(key(dialect, first) != 0);
	assert_true(key(dialect, first) == key(dialect, later));
}

static void
differs(enum dialect dialect, const char *a, const char *b)
{
	assert_true(key(dialect, a) != key(dialect, b));
}

static void
a_conversation_keeps_its_key_as_it_grows(void **state)
{
	(void)state;
	is_the_same(DIALECT_CHAT,
	    "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},"
	    "{\"role\":\"user\",\"content\":\"Hi\"}]}",
	    "{\"messages\":[{\"content\":\"S\",\"role\":\"system\"},"
	    "{\"role\":\"user\",\"content\":\"Hi\"},"
	    "{\"role\":\"assistant\",\"content\":\"Yes?\"},"
	    "{\"role\":\"user\",\"content\":\"Go on\"}],\"tools\":[]}");
	is_the_same(DIALECT_CHAT,
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
	    "{\"role\":\"assistant\",\"content\":\"Yes?\"},"
	    "{\"role\":\"user\",\"content\":\"Go on\"}]}");
	is_the_same(DIALECT_RESPONSES, "{\"input\":\"Hi\"}",
	    "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
	    "\"input_text\",\"text\":\"Hi\"}]},{\"type\":\"function_call\"}]}");
	is_the_same(DIALECT_RESPONSES,
	    "{\"instructions\":\"S\",\"input\":[{\"type\":\"message\","
	    "\"role\":\"user\",\"content\":\"Hi\"}]}",
	    "{\"instructions\":\"S\",\"input\":[{\"type\":\"message\","
	    "\"role\":\"user\",\"content\":\"Hi\"},{\"type\":\"reasoning\"}]}");
}

/* As a coding agent does it: the mark moves on, parts become a string. */
static void
cache_marks_and_parts_do_not_count(void **state)
{
	(void)state;
	is_the_same(DIALECT_MESSAGES,
	    "{\"system\":[{\"type\":\"text\",\"text\":\"S\"}],\"messages\":["
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
	    "\"Hi\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}",
	    "{\"system\":\"S\",\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"Hi\"},{\"role\":\"assistant\",\"content\":\"Yes?\"},{\"role\":"
	    "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Go on\","
	    "\"cache_control\":{\"type\":\"ephemeral\"}}]}]}");
}

static void
others_have_other_keys(void **state)
{
	const char *body =
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";

	(void)state;
	assert_true(key_for(DIALECT_CHAT, body, "fast", "amy") !=
		    key_for(DIALECT_CHAT, body, "fast", "bob"));
	assert_true(key_for(DIALECT_CHAT, body, "fast", "amy") !=
		    key_for(DIALECT_CHAT, body, "good", "amy"));
	assert_true(key_for(DIALECT_CHAT, body, "ab", "c") !=
		    key_for(DIALECT_CHAT, body, "a", "bc"));
	differs(DIALECT_CHAT, body,
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"Ho\"}]}");
	differs(DIALECT_MESSAGES,
	    "{\"system\":\"A\",\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"Hi\"}]}",
	    "{\"system\":\"B\",\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"Hi\"}]}");
	differs(DIALECT_RESPONSES, "{\"instructions\":\"A\",\"input\":\"Hi\"}",
	    "{\"instructions\":\"B\",\"input\":\"Hi\"}");
}

static void
without_text_there_is_no_key(void **state)
{
	(void)state;
	assert_true(key(DIALECT_CHAT, "{}") == 0);
	assert_true(key(DIALECT_CHAT, "{\"messages\":[]}") == 0);
	assert_true(key(DIALECT_CHAT, "{\"messages\":7}") == 0);
	assert_true(key(DIALECT_RESPONSES,
			"{\"input\":[{\"type\":\"item_reference\"},3]}") == 0);
	assert_true(key(DIALECT_MESSAGES,
			"{\"messages\":[{\"role\":\"user\",\"content\":[{"
			"\"type\":\"image\"}]}]}") == 0);
}

static void
what_was_noted_is_found_while_it_is_warm(void **state)
{
	struct affinity *a = affinity_new();
	uint64_t one = affinity_target(slice_of("openai/gpt-5"));
	uint64_t two = affinity_target(slice_of("anthropic/opus"));

	(void)state;
	assert_true(one != 0 && one != two);
	assert_true(affinity_find(a, 77, 60 * SECOND, NOW) == 0);
	affinity_note(a, 77, one, NOW);
	assert_true(affinity_find(a, 77, 60 * SECOND, NOW) == one);
	assert_true(
	    affinity_find(a, 77, 60 * SECOND, NOW + 59 * SECOND) == one);
	assert_true(affinity_find(a, 77, 60 * SECOND, NOW + 60 * SECOND) == 0);
	assert_true(affinity_find(a, 78, 60 * SECOND, NOW) == 0);
	affinity_note(a, 77, two, NOW + 90 * SECOND);
	assert_true(
	    affinity_find(a, 77, 60 * SECOND, NOW + 100 * SECOND) == two);
	affinity_note(a, 0, one, NOW);
	assert_true(affinity_find(a, 0, 60 * SECOND, NOW) == 0);
	affinity_free(a);
	affinity_free(NULL);
}

/* Keys of one set are this far apart. */
#define APART (AFFINITY_ENTRIES / 4)

static void
the_oldest_gives_way(void **state)
{
	struct affinity *a = affinity_new();
	uint64_t i;

	(void)state;
	for (i = 1; i <= 4; i++)
		affinity_note(a, i * APART, i, NOW + (int64_t)i * SECOND);
	affinity_note(a, 1 * APART, 1, NOW + 5 * SECOND);
	affinity_note(a, 5 * APART, 5, NOW + 6 * SECOND);
	for (i = 1; i <= 5; i++)
		assert_true(affinity_find(a, i * APART, 3600 * SECOND, NOW) ==
			    (i == 2 ? 0 : i));
	affinity_free(a);
}

static void
it_holds_so_many_and_no_more(void **state)
{
	struct affinity *a = affinity_new();
	uint64_t random = 9, i;
	size_t found = 0;

	(void)state;
	for (i = 0; i < 3 * AFFINITY_ENTRIES; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		affinity_note(a, random >> 16, i + 1, NOW);
	}
	random = 9;
	for (i = 0; i < 3 * AFFINITY_ENTRIES; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		found += affinity_find(a, random >> 16, SECOND, NOW) == i + 1;
	}
	assert_in_range(found, AFFINITY_ENTRIES / 2, AFFINITY_ENTRIES);
	affinity_free(a);
}

#define THREADS 2

/* What is found was noted under that key, whoever did it. */
static void *
note_and_find(void *arg)
{
	uint64_t i, key, found;

	for (i = 1; i < 50000; i++) {
		key = i % 97 + 1;
		affinity_note(arg, key, key * 3, NOW);
		found = affinity_find(arg, key, SECOND, NOW);
		if (found != key * 3)
			return NULL;
	}
	return arg;
}

static void
threads_share_the_table(void **state)
{
	struct affinity *a = affinity_new();
	pthread_t threads[THREADS];
	void *good;
	size_t i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
				     note_and_find, a),
		    0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &good);
		assert_ptr_equal(good, a);
	}
	affinity_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_conversation_keeps_its_key_as_it_grows),
		cmocka_unit_test(cache_marks_and_parts_do_not_count),
		cmocka_unit_test(others_have_other_keys),
		cmocka_unit_test(without_text_there_is_no_key),
		cmocka_unit_test(what_was_noted_is_found_while_it_is_warm),
		cmocka_unit_test(the_oldest_gives_way),
		cmocka_unit_test(it_holds_so_many_and_no_more),
		cmocka_unit_test(threads_share_the_table),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
