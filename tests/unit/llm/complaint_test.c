#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/llm/complaint.h"

/* As providers answer; status 0: inside of a stream. */
static const struct {
	int status;
	enum complaint_class class;
	const char *body;
} cases[] = {
	/* OpenAI */
	{ 429, COMPLAINT_RATE,
	    "{\"error\":{\"message\":\"Rate limit reached for gpt-5 on tokens "
	    "per min (TPM)\",\"type\":\"tokens\",\"code\":"
	    "\"rate_limit_exceeded\"}}" },
	{ 429, COMPLAINT_RATE,
	    "{\"error\":{\"type\":\"rate_limit_error\",\"code\":"
	    "\"slow_down\"}}" },
	{ 429, COMPLAINT_QUOTA,
	    "{\"error\":{\"type\":\"insufficient_quota\",\"code\":"
	    "\"credit_balance_exhausted\"}}" },
	{ 503, COMPLAINT_OVERLOADED,
	    "{\"error\":{\"code\":\"server_is_overloaded\"}}" },
	{ 429, COMPLAINT_OVERLOADED,
	    "{\"error\":{\"message\":\"The engine is currently overloaded, "
	    "please try again later\",\"type\":\"requests\"}}" },
	{ 400, COMPLAINT_CONTEXT,
	    "{\"error\":{\"message\":\"Your input exceeds the context window "
	    "of this model.\",\"code\":\"context_length_exceeded\"}}" },
	{ 429, COMPLAINT_SIZE,
	    "{\"error\":{\"message\":\"Request too large for gpt-5\","
	    "\"code\":\"rate_limit_exceeded\"}}" },
	{ 400, COMPLAINT_POLICY, "{\"error\":{\"code\":\"invalid_prompt\"}}" },
	{ 500, COMPLAINT_OTHER, "{\"error\":{\"type\":\"server_error\"}}" },
	{ 401, COMPLAINT_AUTH, "{\"error\":{\"code\":\"invalid_api_key\"}}" },
	{ 404, COMPLAINT_MODEL, "{\"error\":{\"code\":\"model_not_found\"}}" },
	/* Anthropic */
	{ 429, COMPLAINT_RATE,
	    "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
	    "\"details\":{\"error_code\":\"ramp_limit_exceeded\"}}}" },
	{ 429, COMPLAINT_QUOTA,
	    "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
	    "\"details\":{\"error_code\":\"contract_spend_limit_reached\"}}}" },
	{ 400, COMPLAINT_QUOTA,
	    "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
	    "\"message\":\"Your credit balance is too low\"}}" },
	{ 400, COMPLAINT_CONTEXT,
	    "{\"error\":{\"type\":\"invalid_request_error\",\"message\":"
	    "\"input length and `max_tokens` exceed context limit: 1 + 2\"}}" },
	{ 413, COMPLAINT_SIZE, "{\"error\":{\"type\":\"request_too_large\"}}" },
	{ 529, COMPLAINT_OVERLOADED, "" },
	{ 0, COMPLAINT_OVERLOADED,
	    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}" },
	/* OpenRouter */
	{ 429, COMPLAINT_RATE,
	    "{\"error\":{\"code\":429,\"metadata\":{\"limit_source\":"
	    "\"upstream_provider_shared_pool\"}}}" },
	{ 402, COMPLAINT_RATE,
	    "{\"error\":{\"code\":402,\"metadata\":{\"error_type\":"
	    "\"payment_required\",\"limit_source\":"
	    "\"openrouter_in_flight_budget\"}}}" },
	{ 402, COMPLAINT_QUOTA,
	    "{\"error\":{\"code\":402,\"metadata\":{\"limit_source\":"
	    "\"openrouter_key_limit\"}}}" },
	{ 502, COMPLAINT_OVERLOADED,
	    "{\"error\":{\"code\":502,\"metadata\":{\"error_type\":"
	    "\"provider_overloaded\"}}}" },
	{ 403, COMPLAINT_POLICY,
	    "{\"error\":{\"code\":403,\"metadata\":{\"reasons\":[\"x\"]}}}" },
	{ 0, COMPLAINT_RATE, "{\"error\":{\"code\":429}}" },
	{ 0, COMPLAINT_OTHER, "{\"error\":{\"code\":502}}" },
	/* Azure */
	{ 429, COMPLAINT_RATE, "{\"error\":{\"code\":\"RateLimitReached\"}}" },
	{ 429, COMPLAINT_OVERLOADED,
	    "{\"error\":{\"message\":\"System is experiencing high "
	    "demand\"}}" },
	{ 400, COMPLAINT_POLICY,
	    "{\"error\":{\"code\":\"400\",\"innererror\":{\"code\":"
	    "\"ResponsibleAIPolicyViolation\"}}}" },
	{ 404, COMPLAINT_MODEL,
	    "{\"error\":{\"code\":\"DeploymentNotFound\"}}" },
	/* Together, Groq, Mistral, DeepSeek, vLLM, SGLang, llama.cpp, xAI */
	{ 503, COMPLAINT_OVERLOADED, "Engine Overloaded" },
	{ 403, COMPLAINT_CONTEXT,
	    "{\"error\":{\"message\":\"Input token count + max_tokens must be "
	    "less than the context length\"}}" },
	{ 498, COMPLAINT_OVERLOADED, "{\"error\":\"capacity_exceeded\"}" },
	{ 413, COMPLAINT_SIZE,
	    "{\"error\":{\"code\":\"rate_limit_exceeded\",\"type\":"
	    "\"tokens\"}}" },
	{ 400, COMPLAINT_CONTEXT,
	    "{\"error\":{\"message\":\"Please reduce the length of the "
	    "messages or completion.\"}}" },
	{ 429, COMPLAINT_RATE,
	    "{\"object\":\"error\",\"type\":\"rate_limited\",\"code\":"
	    "\"1300\"}" },
	{ 429, COMPLAINT_OVERLOADED,
	    "{\"object\":\"error\",\"type\":\"service_tier_capacity_exceeded\","
	    "\"code\":\"3505\"}" },
	{ 422, COMPLAINT_OTHER, "{\"detail\":[{\"msg\":\"Extra inputs\"}]}" },
	{ 402, COMPLAINT_QUOTA,
	    "{\"error\":{\"message\":\"Insufficient Balance\"}}" },
	{ 400, COMPLAINT_POLICY,
	    "{\"error\":{\"message\":\"Content Exists Risk\"}}" },
	{ 400, COMPLAINT_CONTEXT,
	    "{\"object\":\"error\",\"message\":\"The input (9 tokens) is "
	    "longer than the model's context length (8 tokens).\"}" },
	{ 400, COMPLAINT_CONTEXT,
	    "{\"error\":{\"message\":\"the request exceeds the available "
	    "context size\"}}" },
	{ 400, COMPLAINT_CONTEXT,
	    "{\"error\":\"This model's maximum prompt length is 1\"}" },
	/* Words in a place where they mean something else. */
	{ 500, COMPLAINT_OTHER,
	    "{\"error\":{\"message\":\"context window crashed\"}}" },
	{ 429, COMPLAINT_RATE,
	    "{\"error\":{\"message\":\"too many tokens per minute\"}}" },
	{ 400, COMPLAINT_OTHER,
	    "{\"error\":{\"message\":\"rate limit is no field\"}}" },
};

static void
providers_words_have_their_class(void **state)
{
	enum complaint_class class;
	struct complaint c;
	struct arena arena;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		arena_init(&arena, 1 << 16);
		complaint_read(&c, &arena, slice_of(cases[i].body));
		class = complaint_classify(&c, cases[i].status);
		if (class != cases[i].class)
			fail_msg("%d %s is %d, not %d", cases[i].status,
			    cases[i].body, (int)class, (int)cases[i].class);
		arena_fini(&arena);
	}
}

static void
an_error_is_found_where_it_stands(void **state)
{
	static const struct {
		const char *body, *message, *type, *reason;
		bool stated;
	} bodies[] = {
		{ "{\"type\":\"response.failed\",\"response\":{\"id\":\"r\","
		  "\"error\":{\"code\":\"c\",\"message\":\"m\"}}}",
		    "m", "", "", true },
		{ "{\"type\":\"error\",\"code\":\"c\",\"message\":\"m\"}", "m",
		    "", "", true },
		{ "{\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":"
		  "\"m\",\"details\":{\"error_code\":\"e\"}}}",
		    "m", "t", "e", true },
		{ "{\"object\":\"error\",\"message\":\"m\"}", "m", "", "",
		    true },
		{ "{\"id\":\"r\",\"error\":null,\"type\":\"message\"}", "",
		    "message", "", false },
	};
	struct complaint c;
	struct arena arena;
	size_t i;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (i = 0; i < count_of(bodies); i++) {
		complaint_read(&c, &arena, slice_of(bodies[i].body));
		assert_true(slice_is(c.message, bodies[i].message));
		assert_true(slice_is(c.type, bodies[i].type));
		assert_true(slice_is(c.reason, bodies[i].reason));
		assert_int_equal(c.stated, bodies[i].stated);
	}
	arena_fini(&arena);
}

static void
a_wait_is_found_as_a_value_or_in_words(void **state)
{
	static const struct {
		const char *body;
		int64_t ms;
	} bodies[] = {
		{ "{\"error\":{\"code\":429,\"message\":\"Provider returned "
		  "error\",\"metadata\":{\"retry_after_seconds\":12.5}}}",
		    12500 },
		{ "{\"error\":{\"metadata\":{\"headers\":{\"Retry-After\":"
		  "\"7\"}}}}",
		    7000 },
		{ "{\"error\":{\"type\":\"usage_limit_reached\","
		  "\"resets_in_seconds\":3600}}",
		    3600000 },
		{ "{\"error\":{\"message\":\"Please try again in "
		  "29m12s.\"}}",
		    1752000 },
		{ "{\"error\":{\"retry_after\":0,\"message\":\"retry after 2 "
		  "seconds\"}}",
		    2000 },
		{ "Try again in 3s", 3000 },
		{ "{\"error\":{\"retry_after\":{},\"message\":\"later\"}}", 0 },
		{ "", 0 },
	};
	struct complaint c;
	struct arena arena;
	size_t i;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (i = 0; i < count_of(bodies); i++) {
		complaint_read(&c, &arena, slice_of(bodies[i].body));
		assert_int_equal(complaint_retry_after_ms(&c), bodies[i].ms);
	}
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(providers_words_have_their_class),
		cmocka_unit_test(an_error_is_found_where_it_stands),
		cmocka_unit_test(a_wait_is_found_as_a_value_or_in_words),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
