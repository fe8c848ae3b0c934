#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/crypto.h"
#include "common/llm/failure.h"

#define ERROR(fields) "{\"error\":{" fields "}}"
#define TYPED(type, code)                                                      \
	ERROR("\"message\":\"m\",\"type\":\"" type "\",\"code\":\"" code "\"")
#define ROUTED(fields) ERROR("\"code\":400,\"metadata\":{" fields "}")
#define DETAILED(code)                                                         \
	"{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","        \
	"\"message\":\"m\",\"details\":{\"error_code\":\"" code "\"}}}"
#define TOLD(type, message)                                                    \
	"{\"type\":\"error\",\"error\":{\"type\":\"" type                      \
	"\",\"message\":\"" message "\"}}"
#define SAID(message) ERROR("\"message\":\"" message "\"")

/* What providers send, by provider; status 0: inside of a stream. */
static const struct {
	int status;
	enum failure class;
	const char *body;
} answers[] = {
	/* OpenAI */
	{ 429, FAILURE_RATE, TYPED("requests", "rate_limit_exceeded") },
	{ 429, FAILURE_RATE, TYPED("rate_limit_error", "slow_down") },
	{ 429, FAILURE_QUOTA,
	    TYPED("insufficient_quota", "insufficient_quota") },
	{ 429, FAILURE_QUOTA,
	    TYPED("insufficient_quota", "credit_balance_exhausted") },
	{ 429, FAILURE_QUOTA,
	    TYPED("insufficient_quota", "organization_spend_limit_exceeded") },
	{ 429, FAILURE_QUOTA,
	    TYPED("insufficient_quota", "project_spend_limit_exceeded") },
	{ 429, FAILURE_QUOTA,
	    TYPED("insufficient_quota", "organization_usage_limit_exceeded") },
	{ 429, FAILURE_QUOTA, TYPED("x", "billing_hard_limit_reached") },
	{ 429, FAILURE_QUOTA, TYPED("x", "billing_not_active") },
	{ 503, FAILURE_OVERLOADED,
	    TYPED("service_unavailable_error", "server_is_overloaded") },
	{ 429, FAILURE_OVERLOADED,
	    SAID("The engine is currently overloaded, please try again") },
	{ 500, FAILURE_SERVER, TYPED("server_error", "") },
	{ 400, FAILURE_CONTEXT,
	    TYPED("invalid_request_error", "context_length_exceeded") },
	{ 400, FAILURE_CONTEXT,
	    SAID("This model's maximum context length is 8 tokens") },
	{ 429, FAILURE_CONTEXT,
	    ERROR("\"message\":\"Request too large for gpt-5 on tokens per "
		  "min (TPM): Limit 30000, Requested 31000.\",\"type\":"
		  "\"tokens\",\"code\":\"rate_limit_exceeded\"") },
	{ 400, FAILURE_POLICY, TYPED("x", "content_policy_violation") },
	{ 400, FAILURE_POLICY, TYPED("x", "invalid_prompt") },
	{ 400, FAILURE_POLICY, TYPED("x", "cyber_policy") },
	{ 400, FAILURE_POLICY, TYPED("x", "bio_policy") },
	{ 400, FAILURE_POLICY, TYPED("x", "misalignment_policy_violation") },
	{ 401, FAILURE_AUTH, TYPED("x", "invalid_api_key") },
	{ 404, FAILURE_NOT_FOUND, TYPED("x", "model_not_found") },
	{ 400, FAILURE_MALFORMED, TYPED("invalid_request_error", "") },
	{ 0, FAILURE_RATE,
	    "{\"type\":\"error\",\"code\":\"rate_limit_exceeded\","
	    "\"message\":\"m\"}" },
	{ 0, FAILURE_QUOTA,
	    "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":"
	    "\"insufficient_quota\"}}}" },
	{ 0, FAILURE_CONTEXT,
	    "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":"
	    "\"context_length_exceeded\"}}}" },
	{ 0, FAILURE_SERVER,
	    "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":"
	    "\"server_error\"}}}" },
	/* Anthropic */
	{ 429, FAILURE_RATE, TOLD("rate_limit_error", "m") },
	{ 429, FAILURE_RATE, DETAILED("ramp_limit_exceeded") },
	{ 429, FAILURE_QUOTA, DETAILED("enforced_spend_limit_reached") },
	{ 429, FAILURE_QUOTA, DETAILED("contract_spend_limit_reached") },
	{ 402, FAILURE_QUOTA, TOLD("billing_error", "m") },
	{ 400, FAILURE_QUOTA,
	    TOLD("invalid_request_error",
		"Your credit balance is too low to access the Anthropic "
		"API.") },
	{ 400, FAILURE_QUOTA,
	    TOLD("invalid_request_error",
		"You have reached your specified API usage limits. You will "
		"regain access on 2026-01-01 at 00:00 UTC.") },
	{ 529, FAILURE_OVERLOADED, TOLD("overloaded_error", "Overloaded") },
	{ 500, FAILURE_SERVER, TOLD("api_error", "m") },
	{ 503, FAILURE_OVERLOADED, "" },
	{ 0, FAILURE_OVERLOADED, TOLD("overloaded_error", "Overloaded") },
	{ 200, FAILURE_OVERLOADED, TOLD("overloaded_error", "Overloaded") },
	{ 0, FAILURE_SERVER, TOLD("api_error", "m") },
	{ 400, FAILURE_CONTEXT,
	    TOLD("invalid_request_error",
		"prompt is too long: 9 tokens > 8 maximum") },
	{ 400, FAILURE_CONTEXT,
	    TOLD("invalid_request_error",
		"input length and `max_tokens` exceed context limit: 1 + 2") },
	{ 413, FAILURE_TOO_LARGE, TOLD("request_too_large", "m") },
	{ 400, FAILURE_POLICY,
	    TOLD("invalid_request_error",
		"Output blocked by content filtering policy") },
	{ 400, FAILURE_AUTH, TYPED("x", "organization_on_hold") },
	{ 403, FAILURE_AUTH, TOLD("permission_error", "m") },
	{ 404, FAILURE_NOT_FOUND, TOLD("not_found_error", "m") },
	/* OpenRouter */
	{ 429, FAILURE_RATE, ROUTED("\"error_type\":\"rate_limit_exceeded\"") },
	{ 429, FAILURE_RATE,
	    ROUTED("\"limit_source\":\"upstream_provider_shared_pool\"") },
	{ 402, FAILURE_RATE,
	    ROUTED("\"limit_source\":\"openrouter_in_flight_budget\"") },
	{ 402, FAILURE_QUOTA, ROUTED("\"error_type\":\"payment_required\"") },
	{ 402, FAILURE_QUOTA,
	    ROUTED("\"limit_source\":\"openrouter_credits\"") },
	{ 402, FAILURE_QUOTA,
	    ROUTED("\"limit_source\":\"openrouter_key_limit\"") },
	{ 402, FAILURE_QUOTA, ROUTED("\"reason\":\"weight_exceeds_budget\"") },
	{ 503, FAILURE_OVERLOADED,
	    ROUTED("\"error_type\":\"provider_overloaded\"") },
	{ 502, FAILURE_OVERLOADED,
	    ROUTED("\"error_type\":\"provider_unavailable\"") },
	{ 524, FAILURE_SERVER, "<html>" },
	{ 503, FAILURE_OVERLOADED, SAID("no available provider") },
	{ 400, FAILURE_CONTEXT,
	    ROUTED("\"error_type\":\"token_limit_exceeded\"") },
	{ 400, FAILURE_CONTEXT,
	    ROUTED("\"error_type\":\"max_tokens_exceeded\"") },
	{ 403, FAILURE_POLICY, ROUTED("\"reasons\":[\"violence\"]") },
	{ 403, FAILURE_POLICY, ROUTED("\"error_type\":\"refusal\"") },
	{ 0, FAILURE_RATE, ERROR("\"code\":429") },
	{ 0, FAILURE_SERVER, ERROR("\"code\":502") },
	/* Azure */
	{ 429, FAILURE_RATE, TYPED("x", "429") },
	{ 429, FAILURE_RATE, TYPED("x", "too_many_requests") },
	{ 429, FAILURE_RATE,
	    ERROR("\"code\":\"RateLimitReached\",\"message\":\"exceeded token "
		  "rate limit of your pricing tier. Please retry after 20 "
		  "seconds. Go to https://aka.ms/oai/quotaincrease\"") },
	{ 429, FAILURE_QUOTA, SAID("Quota exceeded for this subscription") },
	{ 401, FAILURE_AUTH, TYPED("x", "PermissionDenied") },
	{ 429, FAILURE_OVERLOADED, SAID("System is experiencing high demand") },
	{ 408, FAILURE_TIMEOUT, SAID("Operation timed out") },
	{ 400, FAILURE_POLICY, TYPED("x", "content_filter") },
	{ 400, FAILURE_POLICY,
	    ERROR("\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation"
		  "\"}") },
	{ 404, FAILURE_NOT_FOUND, TYPED("x", "DeploymentNotFound") },
	/* Together */
	{ 429, FAILURE_RATE, TYPED("rate_limit", "rate_limit") },
	{ 402, FAILURE_QUOTA, SAID("monthly limit") },
	{ 503, FAILURE_OVERLOADED, "Engine Overloaded" },
	{ 504, FAILURE_SERVER, "" },
	{ 403, FAILURE_CONTEXT,
	    SAID("Input token count + max_tokens must be less than the "
		 "context length") },
	{ 422, FAILURE_CONTEXT,
	    SAID("`inputs` tokens + `max_new_tokens` must be <= 4097") },
	/* Groq */
	{ 429, FAILURE_RATE,
	    ERROR("\"message\":\"Rate limit reached for model on tokens per "
		  "day (TPD): Limit 100000. Please try again in 29m12s.\","
		  "\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"") },
	{ 413, FAILURE_CONTEXT, TYPED("tokens", "rate_limit_exceeded") },
	{ 400, FAILURE_QUOTA, TYPED("x", "blocked_api_access") },
	{ 403, FAILURE_QUOTA, SAID("Your spend limit was reached") },
	{ 498, FAILURE_OVERLOADED, TYPED("x", "capacity_exceeded") },
	{ 499, FAILURE_SERVER, "" },
	{ 424, FAILURE_SERVER, SAID("m") },
	{ 400, FAILURE_BAD_BODY,
	    TYPED("invalid_request_error", "tool_use_failed") },
	/* Mistral */
	{ 429, FAILURE_RATE,
	    "{\"object\":\"error\",\"type\":\"rate_limited\",\"code\":"
	    "\"1300\",\"message\":\"Rate limit exceeded\"}" },
	{ 429, FAILURE_RATE, "{\"message\":\"Requests rate limit exceeded\"}" },
	{ 402, FAILURE_QUOTA, "{\"message\":\"Payment required\"}" },
	{ 429, FAILURE_OVERLOADED,
	    "{\"object\":\"error\",\"message\":\"Service tier capacity "
	    "exceeded for this model.\",\"type\":\"invalid_request_error\","
	    "\"code\":null}" },
	{ 503, FAILURE_OVERLOADED, "{\"code\":\"3505\"}" },
	{ 429, FAILURE_OVERLOADED, "{\"code\":\"3505\"}" },
	{ 422, FAILURE_CONTEXT,
	    "{\"message\":\"Prompt contains 9 tokens, too large for model "
	    "with 8 maximum context length\"}" },
	{ 422, FAILURE_MALFORMED,
	    "{\"detail\":[{\"msg\":\"Extra inputs are not permitted\"}]}" },
	/* DeepSeek, vLLM, SGLang, llama.cpp, xAI, Gemini */
	{ 402, FAILURE_QUOTA, SAID("Insufficient Balance") },
	{ 400, FAILURE_POLICY, SAID("Content Exists Risk") },
	{ 400, FAILURE_CONTEXT,
	    "{\"object\":\"error\",\"message\":\"The input (9 tokens) is "
	    "longer than the model's context length (8 tokens).\",\"code\":"
	    "400}" },
	{ 400, FAILURE_CONTEXT, SAID("Requested token count exceeds it") },
	{ 400, FAILURE_CONTEXT,
	    SAID("the request exceeds the available context size") },
	{ 400, FAILURE_CONTEXT,
	    "{\"error\":\"This model's maximum prompt length is 1\"}" },
	{ 429, FAILURE_RATE,
	    SAID("You exceeded your current quota. Please retry in 34.07s.") },
	{ 429, FAILURE_QUOTA, SAID("You exceeded your current quota.") },
	/* Whoever. */
	{ 301, FAILURE_BAD_BODY, "" },
	{ 502, FAILURE_SERVER, "<html>" },
	{ 403, FAILURE_AUTH, "no" },
	{ 409, FAILURE_MALFORMED, "" },
	{ 500, FAILURE_SERVER, SAID("The context window fell out") },
	{ 500, FAILURE_SERVER, TYPED("x", "context_length_exceeded") },
};

static void
assert_class(const struct failure_signs *s, enum failure want)
{
	enum failure class = failure_of(s);

	if (class != want)
		fail_msg("%s, %d %.*s is %s, not %s", fail_name(s->fail),
		    s->status, SLICE_FMT(s->body), failure_name(class),
		    failure_name(want));
}

static void
each_providers_answers_have_their_class(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < count_of(answers); i++) {
		struct failure_signs s = { .status = answers[i].status,
			.body = slice_of(answers[i].body) };

		s.fail = fail_of_provider(s.status, s.body);
		assert_class(&s, answers[i].class);
	}
}

static void
what_a_member_says_of_its_provider_is_not_this_ones(void **state)
{
	static const struct {
		const char *name, *body;
		int status;
		enum failure class;
	} errors[] = {
		{ "upstream-rate-limited",
		    TYPED("requests", "rate_limit_exceeded"), 503,
		    FAILURE_MEMBER },
		{ "upstream-quota-exhausted",
		    TYPED("insufficient_quota", "insufficient_quota"), 429,
		    FAILURE_MEMBER },
		{ "upstream-overloaded", TYPED("x", "server_is_overloaded"),
		    503, FAILURE_MEMBER },
		{ "upstream-timeout", TYPED("server_error", ""), 504,
		    FAILURE_MEMBER },
		{ "upstream-capacity-throttled", "", 503, FAILURE_MEMBER },
		{ "no-eligible-target", TYPED("server_error", ""), 502,
		    FAILURE_MEMBER },
		{ "team-not-allowed", "", 403, FAILURE_MEMBER },
		{ "of-a-later-version",
		    TYPED("insufficient_quota", "insufficient_quota"), 429,
		    FAILURE_MEMBER },
		{ "invalid-request", "", 400, FAILURE_MALFORMED },
		{ "request-too-large", "", 413, FAILURE_TOO_LARGE },
		{ "unauthorized", "", 401, FAILURE_AUTH },
		{ "unknown-group", "", 404, FAILURE_NOT_FOUND },
		{ "provider-refused", TYPED("x", "context_length_exceeded"),
		    400, FAILURE_CONTEXT },
		{ "provider-refused", TYPED("x", "content_policy_violation"),
		    400, FAILURE_POLICY },
		{ "provider-refused", TYPED("x", "request_too_large"), 413,
		    FAILURE_TOO_LARGE },
		{ "provider-refused", TYPED("invalid_request_error", ""), 400,
		    FAILURE_MALFORMED },
		{ "provider-refused", TYPED("x", "invalid_api_key"), 400,
		    FAILURE_MEMBER },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(errors); i++) {
		struct failure_signs s = { .status = errors[i].status,
			.router_error = slice_of(errors[i].name),
			.body = slice_of(errors[i].body) };

		s.fail = fail_of_provider(s.status, s.body);
		assert_class(&s, errors[i].class);
	}
}

static void
without_words_the_end_says_it(void **state)
{
	static const struct {
		struct failure_signs signs;
		enum failure class;
	} ends[] = {
		{ { .fail = FAIL_NONE, .status = 200 }, FAILURE_NONE },
		{ { .fail = FAIL_CLIENT_GONE, .status = 200 }, FAILURE_NONE },
		{ { .fail = FAIL_UPSTREAM_FAILED }, FAILURE_NETWORK },
		{ { .fail = FAIL_UPSTREAM_FAILED, .keyless = true },
		    FAILURE_AUTH },
		{ { .fail = FAIL_UPSTREAM_FAILED, .status = 200 },
		    FAILURE_BAD_BODY },
		{ { .fail = FAIL_UPSTREAM_FAILED,
		      .status = 200,
		      .body = { "{\"choices\":[", 12 } },
		    FAILURE_BAD_BODY },
		{ { .fail = FAIL_UPSTREAM_TIMEOUT }, FAILURE_TIMEOUT },
		{ { .fail = FAIL_UPSTREAM_TIMEOUT, .status = 200 },
		    FAILURE_TIMEOUT },
		/* Its head said it, though its body never came. */
		{ { .fail = FAIL_UPSTREAM_TIMEOUT, .status = 429 },
		    FAILURE_RATE },
		/* An older egress's receipt has no class. */
		{ { .fail = FAIL_UPSTREAM_RATE_LIMITED, .status = 200 },
		    FAILURE_RATE },
		{ { .fail = FAIL_UPSTREAM_QUOTA_EXHAUSTED, .status = 200 },
		    FAILURE_QUOTA },
		{ { .fail = FAIL_PROVIDER_REFUSED, .status = 200 },
		    FAILURE_MALFORMED },
		/* A newer one's says more than the node sees. */
		{ { .fail = FAIL_UPSTREAM_RATE_LIMITED,
		      .status = 429,
		      .told = { "member-error", 12 } },
		    FAILURE_MEMBER },
		{ { .fail = FAIL_UPSTREAM_RATE_LIMITED,
		      .status = 429,
		      .told = { "of-later", 8 } },
		    FAILURE_RATE },
		{ { .fail = FAIL_TAMPERED,
		      .status = 200,
		      .told = { "network", 7 } },
		    FAILURE_MEMBER },
		/* The egress said no, and called nobody. */
		{ { .fail = FAIL_BUDGET_EXHAUSTED }, FAILURE_THROTTLED },
		{ { .fail = FAIL_TEAM_NOT_ALLOWED }, FAILURE_MEMBER },
		{ { .fail = FAIL_NO_ELIGIBLE_TARGET }, FAILURE_MEMBER },
		{ { .fail = FAIL_STORE_UNAVAILABLE }, FAILURE_MEMBER },
		{ { .fail = FAIL_SHUTTING_DOWN }, FAILURE_MEMBER },
		{ { .fail = FAIL_OVERLOADED }, FAILURE_MEMBER },
		{ { .fail = FAIL_EGRESS_UNREACHABLE }, FAILURE_MEMBER },
		{ { .fail = FAIL_FORGED }, FAILURE_MEMBER },
		{ { .fail = FAIL_ALREADY_KNOWN }, FAILURE_MEMBER },
		{ { .fail = FAIL_INTERRUPTED }, FAILURE_MEMBER },
		{ { .fail = FAIL_INVALID_REQUEST }, FAILURE_MALFORMED },
		{ { .fail = FAIL_REQUEST_TOO_LARGE }, FAILURE_TOO_LARGE },
		{ { .fail = FAIL_UPSTREAM_CAPACITY_THROTTLED },
		    FAILURE_THROTTLED },
		/* It backs off there: a rate that nobody met now. */
		{ { .fail = FAIL_UPSTREAM_RATE_LIMITED, .refused = true },
		    FAILURE_THROTTLED },
		{ { .fail = FAIL_UPSTREAM_FAILED, .refused = true },
		    FAILURE_THROTTLED },
		{ { .fail = FAIL_TEAM_NOT_ALLOWED, .refused = true },
		    FAILURE_MEMBER },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(ends); i++)
		assert_class(&ends[i].signs, ends[i].class);
}

static void
the_table_says_what_is_done_next(void **state)
{
	enum failure f;

	(void)state;
	assert_string_equal(failure_name(FAILURE_NONE), "");
	assert_int_equal(failure_by_name(slice_of("")), FAILURE_NONE);
	assert_int_equal(failure_by_name(slice_of("x")), FAILURE_NONE);
	for (f = FAILURE_NONE + 1; f < FAILURES; f++) {
		assert_int_equal(failure_by_name(slice_of(failure_name(f))), f);
		assert_true(strlen(failure_signals(f)) > 0);
		/* Nobody asks the same again who may not ask another. */
		if (failure_again(f))
			assert_int_equal(failure_other(f), OTHER_YES);
	}
	assert_false(failure_again(FAILURE_RATE));
	assert_true(failure_again(FAILURE_OVERLOADED));
	assert_int_equal(failure_other(FAILURE_QUOTA), OTHER_YES);
	assert_int_equal(failure_other(FAILURE_CONTEXT), OTHER_LARGER);
	assert_int_equal(failure_other(FAILURE_MALFORMED), OTHER_NO);
}

static void
money_and_keys_are_the_accounts(void **state)
{
	enum failure f;

	(void)state;
	for (f = FAILURE_NONE; f < FAILURES; f++) {
		assert_int_equal(failure_of_account(f, 429),
		    f == FAILURE_QUOTA || f == FAILURE_AUTH);
		/* Rights may be those to one model. */
		assert_int_equal(failure_of_account(f, 403),
		    f == FAILURE_QUOTA);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_providers_answers_have_their_class),
		cmocka_unit_test(
		    what_a_member_says_of_its_provider_is_not_this_ones),
		cmocka_unit_test(without_words_the_end_says_it),
		cmocka_unit_test(the_table_says_what_is_done_next),
		cmocka_unit_test(money_and_keys_are_the_accounts),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
