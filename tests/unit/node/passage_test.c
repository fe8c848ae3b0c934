#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "node/dialect/passage.h"

#define ARENA_MAX ((size_t)16 << 20)
#define TEXT_MAX  (1u << 20)
#define ALL_DROPS (~0u)

struct fixture {
	struct arena arena;
	struct passage_terms terms;
	struct passage p;
	enum blob_kind made;
};

static enum blob_kind
made(void *arg, struct slice blob)
{
	const struct fixture *f = arg;

	(void)blob;
	return f->made;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	f->terms = (struct passage_terms){ .made = made,
		.arg = f,
		.target = { .model = slice_of("theirs"),
		    .output_cap = 100,
		    .cap_key = "max_tokens",
		    .reasons = true,
		    .quirks = ~0u } };
	*state = f;
	return crypto_start() ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	free(f);
	return 0;
}

static enum passage_end
passes(struct fixture *f, enum dialect asks, enum dialect target,
    const char *body)
{
	struct json_error error;

	f->terms.asks = f->terms.answers = asks;
	f->terms.dialects = 1u << target;
	return passage_make(&f->p, &f->arena,
	    json_parse(&f->arena, slice_of(body), &error), &f->terms);
}

static const char *
sent(struct fixture *f)
{
	struct json_error error;
	const char *text;
	struct buf b;
	size_t i;

	buf_init(&b, TEXT_MAX);
	for (i = 0; i < f->p.splice.count; i++)
		buf_put_slice(&b, f->p.splice.parts[i]);
	assert_int_equal(b.len, f->p.splice.bytes);
	text = arena_text(&f->arena, buf_slice(&b));
	buf_fini(&b);
	assert_non_null(json_parse(&f->arena, slice_of(text), &error));
	return text;
}

static void
assert_has(const char *text, const char *piece)
{
	if (strstr(text, piece) == NULL)
		fail_msg("%s\nis not in\n%s", piece, text);
}

static void
assert_lacks(const char *text, const char *piece)
{
	if (strstr(text, piece) != NULL)
		fail_msg("%s\nis in\n%s", piece, text);
}

#define CHAT(more)                                                             \
	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"       \
	"\"hi\"}]" more "}"
#define RESPONSES(more) "{\"model\":\"m\",\"input\":\"hi\"" more "}"
#define MESSAGES(more)                                                         \
	"{\"model\":\"m\",\"max_tokens\":50,\"messages\":[{\"role\":\"user\"," \
	"\"content\":\"hi\"}]" more "}"

static const struct {
	unsigned dialects;
	enum dialect asks, best;
	bool any;
} choices[] = {
	{ IN_ANY, DIALECT_CHAT, DIALECT_CHAT, true },
	{ IN_ANY, DIALECT_RESPONSES, DIALECT_RESPONSES, true },
	{ IN_ANY, DIALECT_MESSAGES, DIALECT_MESSAGES, true },
	{ IN_OPENAI, DIALECT_MESSAGES, DIALECT_RESPONSES, true },
	{ IN_CHAT | IN_MESSAGES, DIALECT_RESPONSES, DIALECT_CHAT, true },
	{ IN_RESPONSES | IN_MESSAGES, DIALECT_CHAT, DIALECT_RESPONSES, true },
	{ IN_MESSAGES, DIALECT_CHAT, DIALECT_MESSAGES, true },
	{ IN_CHAT, DIALECT_MESSAGES, DIALECT_CHAT, true },
	{ 0, DIALECT_CHAT, DIALECT_CHAT, false },
	{ 1u << DIALECTS, DIALECT_CHAT, DIALECT_CHAT, false },
};

static void
the_nearest_dialect_is_spoken(void **state)
{
	enum dialect d;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(choices); i++) {
		assert_int_equal(passage_dialect(&d, choices[i].dialects,
				     choices[i].asks),
		    choices[i].any);
		if (choices[i].any)
			assert_int_equal(d, choices[i].best);
	}
}

/* A turn of Messages for a target that speaks both of OpenAI's. */
static enum passage_end
passes_openai(struct fixture *f, const char *body)
{
	struct json_error error;

	f->terms.asks = f->terms.answers = DIALECT_MESSAGES;
	f->terms.dialects = IN_OPENAI;
	return passage_make(&f->p, &f->arena,
	    json_parse(&f->arena, slice_of(body), &error), &f->terms);
}

static void
one_that_can_be_told_comes_before_a_nearer_one(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(passes_openai(f, MESSAGES("")), PASSAGE_OK);
	assert_int_equal(f->p.target, DIALECT_RESPONSES);
	/* Responses has no stop sequences, and no cap as low as this. */
	assert_int_equal(passes_openai(f,
			     MESSAGES(",\"stop_sequences\":[\"x\"]")),
	    PASSAGE_OK);
	assert_int_equal(f->p.target, DIALECT_CHAT);
	assert_has(sent(f), "\"stop\":[\"x\"]");
	f->terms.target.output_cap = 10;
	assert_int_equal(passes_openai(f, MESSAGES("")), PASSAGE_OK);
	assert_int_equal(f->p.target, DIALECT_CHAT);
	f->terms.target.output_cap = 100;
	/* What may be left out is no reason to go further. */
	f->terms.drop = DROP_STOP;
	assert_int_equal(passes_openai(f,
			     MESSAGES(",\"stop_sequences\":[\"x\"]")),
	    PASSAGE_OK);
	assert_int_equal(f->p.target, DIALECT_RESPONSES);
	assert_string_equal(f->p.dropped, "stop");
	/* Where none can be told, the nearest says why. */
	assert_int_equal(passes_openai(f, MESSAGES(",\"top_k\":3")),
	    PASSAGE_NOT_CARRIED);
	assert_int_equal(f->p.target, DIALECT_RESPONSES);
	assert_has(f->p.why, "speaks responses and cannot be told: top_k");
}

static void
its_own_dialect_goes_byte_for_byte(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_CHAT,
			     CHAT(", \"x\" : [1 ,2]")),
	    PASSAGE_OK);
	assert_null(f->p.turn);
	assert_string_equal(f->p.dropped, "");
	assert_string_equal(sent(f),
	    "{\"model\":\"theirs\",\"messages\":[{\"role\":\"user\","
	    "\"content\":\"hi\"}], \"x\" : [1 ,2],\"max_tokens\":100}");
}

/* The body's dialect is the target's, the path's is not: only the answer. */
static void
an_answer_in_another_dialect_needs_the_turn(void **state)
{
	struct fixture *f = *state;
	struct json_error error;

	f->terms.asks = DIALECT_RESPONSES;
	f->terms.answers = DIALECT_CHAT;
	f->terms.dialects = IN_RESPONSES;
	assert_int_equal(passage_make(&f->p, &f->arena,
			     json_parse(&f->arena, slice_of(RESPONSES("")),
				 &error),
			     &f->terms),
	    PASSAGE_OK);
	assert_non_null(f->p.turn);
	assert_has(sent(f), "\"input\":\"hi\"");
}

static const struct {
	enum dialect asks, target;
	const char *body, *cap;
} caps[] = {
	{ DIALECT_CHAT, DIALECT_MESSAGES, CHAT(""), "\"max_tokens\":100," },
	{ DIALECT_CHAT, DIALECT_MESSAGES, CHAT(",\"max_tokens\":7"),
	    "\"max_tokens\":7," },
	{ DIALECT_CHAT, DIALECT_MESSAGES,
	    CHAT(",\"max_tokens\":70,\"max_completion_tokens\":60"),
	    "\"max_tokens\":60," },
	{ DIALECT_CHAT, DIALECT_MESSAGES, CHAT(",\"max_tokens\":7000"),
	    "\"max_tokens\":100," },
	{ DIALECT_CHAT, DIALECT_RESPONSES, CHAT(",\"max_tokens\":700"),
	    "\"max_output_tokens\":100," },
	{ DIALECT_MESSAGES, DIALECT_CHAT, MESSAGES(""), "\"max_tokens\":50," },
	{ DIALECT_RESPONSES, DIALECT_CHAT,
	    RESPONSES(",\"max_output_tokens\":16"), "\"max_tokens\":16," },
};

static void
no_cap_is_over_the_targets(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < count_of(caps); i++) {
		assert_int_equal(passes(f, caps[i].asks, caps[i].target,
				     caps[i].body),
		    PASSAGE_OK);
		assert_has(sent(f), caps[i].cap);
	}
	f->terms.target.output_cap = 0;
	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_RESPONSES, CHAT("")),
	    PASSAGE_OK);
	assert_lacks(sent(f), "max_output_tokens");
}

static const struct {
	enum dialect asks, target;
	enum passage_end end;
	const char *body, *why;
} refusals[] = {
	{ DIALECT_CHAT, DIALECT_RESPONSES, PASSAGE_INVALID,
	    CHAT(",\"max_tokens\":15"),
	    "The output cap of 15 tokens is less than the 16 that this target "
	    "takes." },
	{ DIALECT_CHAT, DIALECT_MESSAGES, PASSAGE_NOT_CARRIED,
	    CHAT(",\"reasoning\":{\"max_tokens\":100}"), NULL },
	{ DIALECT_CHAT, DIALECT_MESSAGES, PASSAGE_NOT_CARRIED,
	    CHAT(",\"reasoning\":{\"max_tokens\":50}"), NULL },
	{ DIALECT_CHAT, DIALECT_MESSAGES, PASSAGE_NOT_ALLOWED,
	    CHAT(",\"service_tier\":\"flex\""), NULL },
	{ DIALECT_RESPONSES, DIALECT_MESSAGES, PASSAGE_INVALID,
	    RESPONSES(",\"previous_response_id\":\"x\""), NULL },
	{ DIALECT_MESSAGES, DIALECT_CHAT, PASSAGE_INVALID,
	    "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":"
	    "\"cook\",\"content\":\"\"}]}",
	    "messages[0].role must be user, assistant or system" },
	{ DIALECT_CHAT, DIALECT_MESSAGES, PASSAGE_NOT_CARRIED,
	    CHAT(",\"n\":2,\"seed\":1"), NULL },
};

static void
what_cannot_be_is_refused_with_its_cure(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < count_of(refusals); i++) {
		if (passes(f, refusals[i].asks, refusals[i].target,
			refusals[i].body) != refusals[i].end)
			fail_msg("%s: %s", refusals[i].body, f->p.why);
		assert_non_null(f->p.why);
		if (refusals[i].why != NULL)
			assert_string_equal(f->p.why, refusals[i].why);
	}
	assert_has(f->p.why, "speaks messages and cannot be told: seed, n.");
	f->terms.drop = ALL_DROPS;
	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_MESSAGES,
			     CHAT(",\"n\":2,\"seed\":1")),
	    PASSAGE_NOT_CARRIED);
	assert_has(f->p.why, "cannot be told: n.");
}

static void
what_is_dropped_is_named(void **state)
{
	struct fixture *f = *state;

	f->terms.drop = ALL_DROPS;
	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_MESSAGES,
			     CHAT(",\"seed\":1,\"verbosity\":\"low\","
				  "\"odd one\":1,\"b\\u000ad\":2")),
	    PASSAGE_OK);
	assert_string_equal(f->p.dropped, "seed, verbosity, odd?one, b?d");
	assert_lacks(sent(f), "seed");
	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_CHAT,
			     CHAT(",\"seed\":1")),
	    PASSAGE_OK);
	assert_string_equal(f->p.dropped, "");
	assert_has(sent(f), "\"seed\":1");
	f->terms.thoughts_removed = true;
	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_CHAT, CHAT("")),
	    PASSAGE_OK);
	assert_string_equal(f->p.dropped, "thinking");
}

/* A budget needs more room than the caller's own cap leaves. */
static void
a_budget_is_measured_by_the_cap_that_is_sent(void **state)
{
	struct fixture *f = *state;
	const char *body =
	    CHAT(",\"max_tokens\":900,\"reasoning\":{\"max_tokens\":500}");

	f->terms.target.output_cap = 64000;
	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_MESSAGES, body),
	    PASSAGE_NOT_CARRIED);
	assert_has(f->p.why, "cannot be told: budget_tokens.");
	f->terms.drop = ALL_DROPS;
	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_MESSAGES, body),
	    PASSAGE_OK);
	assert_string_equal(f->p.dropped, "budget_tokens");
	assert_lacks(sent(f), "thinking");
	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_MESSAGES,
			     CHAT(",\"max_tokens\":5000,\"reasoning\":{"
				  "\"max_tokens\":5000}")),
	    PASSAGE_INVALID);
	assert_string_equal(f->p.why,
	    "thinking.budget_tokens (5000) must be less than the output cap "
	    "(5000).");
	assert_int_equal(passes(f, DIALECT_CHAT, DIALECT_MESSAGES,
			     CHAT(",\"max_tokens\":5000,\"reasoning\":{"
				  "\"max_tokens\":4000}")),
	    PASSAGE_OK);
	assert_string_equal(f->p.dropped, "");
	assert_has(sent(f), "\"budget_tokens\":4000");
}

#define THOUGHT                                                                \
	"{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"q\"},{"  \
	"\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\","      \
	"\"text\":\"hm\"}],\"encrypted_content\":\"blob\"},{\"role\":"         \
	"\"assistant\",\"content\":\"a\"},{\"role\":\"user\",\"content\":"     \
	"\"b\"}]}"

static void
thinking_goes_back_to_its_maker_alone(void **state)
{
	struct fixture *f = *state;

	f->made = BLOB_SIGNATURE;
	assert_int_equal(passes(f, DIALECT_RESPONSES, DIALECT_MESSAGES,
			     THOUGHT),
	    PASSAGE_OK);
	assert_string_equal(f->p.dropped, "");
	assert_has(sent(f),
	    "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"blob\""
	    "}");
	f->made = BLOB_REDACTED;
	assert_int_equal(passes(f, DIALECT_RESPONSES, DIALECT_MESSAGES,
			     THOUGHT),
	    PASSAGE_OK);
	assert_has(sent(f),
	    "{\"type\":\"redacted_thinking\",\"data\":\"blob\"}");
	f->made = BLOB_NONE;
	assert_int_equal(passes(f, DIALECT_RESPONSES, DIALECT_MESSAGES,
			     THOUGHT),
	    PASSAGE_OK);
	assert_string_equal(f->p.dropped, "thinking");
	assert_lacks(sent(f), "hm");
	assert_int_equal(passes(f, DIALECT_RESPONSES, DIALECT_CHAT, THOUGHT),
	    PASSAGE_OK);
	assert_string_equal(f->p.dropped, "thinking");
	assert_lacks(sent(f), "blob");
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(the_nearest_dialect_is_spoken),
		story(one_that_can_be_told_comes_before_a_nearer_one),
		story(its_own_dialect_goes_byte_for_byte),
		story(an_answer_in_another_dialect_needs_the_turn),
		story(no_cap_is_over_the_targets),
		story(what_cannot_be_is_refused_with_its_cure),
		story(what_is_dropped_is_named),
		story(a_budget_is_measured_by_the_cap_that_is_sent),
		story(thinking_goes_back_to_its_maker_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
