#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/llm/capability.h"
#include "common/llm/shape.h"
#include "node/route.h"
#include "node/strategy/contract.h"
#include "node/strategy/plan.h"

#define TEXT_MAX 65536

/* --- the request of the example in the documentation --- */

static const struct provider openai = { .name = { "openai", 6 } };
static const struct model mini = { .provider = &openai, .max_output = 128000 };

struct scene {
	struct route routes[3];
	struct group_target listed[3];
	struct candidate candidates[3];
	struct plan plan;
	struct group group;
	struct shape shape;
	struct order_wish order;
	struct contract_wish wish;
	struct buf out;
};

static void
seen_well(struct candidate *c)
{
	c->cost_microusd = 9330;
	c->warm = true;
	c->seen = (struct sight){ .attempts = 120,
		.failures = 1,
		.ttft_p50_us = 310400,
		.ttft_p95_us = 899500,
		.total_p50_us = 2100000,
		.total_p95_us = 8000000,
		.tokens_per_s = 71.52 };
}

static void
targets_init(struct scene *s)
{
	size_t i;

	s->routes[0] = (struct route){ .target = slice_of("openai/gpt-5-mini"),
		.local = &mini,
		.region = slice_of("us"),
		.context_tokens = 400000,
		.max_output = 128000,
		.supports = CAPABILITY_TOOLS | CAPABILITY_IMAGES,
		.price = { .input = 250000,
		    .cached_input = 25000,
		    .output = 2000000 } };
	s->routes[1] = (struct route){ .target = slice_of("out/of-it") };
	s->routes[2] = (struct route){ .target = slice_of("vllm/org/small"),
		.price = { .cached_input = PRICE_UNKNOWN } };
	s->listed[0] =
	    (struct group_target){ .weight = 3, .quality_ppm = 930000 };
	s->listed[1] = s->listed[2] =
	    (struct group_target){ .weight = 1, .quality_ppm = -1 };
	for (i = 0; i < count_of(s->candidates); i++) {
		s->candidates[i].route = &s->routes[i];
		s->candidates[i].listed = &s->listed[i];
	}
	s->candidates[1].excluded = EXCLUSION_BACKING_OFF;
	seen_well(&s->candidates[0]);
	s->plan.candidates = s->candidates;
	s->plan.count = count_of(s->candidates);
}

static int
setup(void **state)
{
	struct scene *s = test_calloc(1, sizeof(*s));

	targets_init(s);
	s->group.name = slice_of("assistant");
	s->shape = (struct shape){ .stream = true,
		.tools = true,
		.choices = 1,
		.messages = 12,
		.input_estimate_tokens = 5321,
		.output_cap = 4000 };
	s->order = (struct order_wish){ .group = &s->group,
		.shape = &s->shape,
		.complexity = 0.42,
		.seed = ((uint64_t)77 << 32) + 123456789 };
	s->wish = (struct contract_wish){ .plan = &s->plan,
		.wish = &s->order,
		.request_id = "req_019ac0ffee",
		.caller = slice_of("ci"),
		.user = slice_of("svc-ci"),
		.project = slice_of("fraud"),
		.tags = slice_of("tier=gold,run=7"),
		.now_wall_us = (int64_t)1764115200000 * 1000 + 999 };
	buf_init(&s->out, TEXT_MAX);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	buf_fini(&s->out);
	test_free(s);
	return 0;
}

static const char *
written(struct scene *s)
{
	buf_reset(&s->out);
	contract_write(&s->out, &s->wish);
	assert_false(s->out.failed);
	return buf_text(&s->out);
}

static void
has(struct scene *s, const char *piece)
{
	const char *text = written(s);

	if (strstr(text, piece) == NULL)
		fail_msg("no %s in %s", piece, text);
}

/* The first example of the documentation, without what is only layout. */
static void
read_example(struct buf *out)
{
	char text[TEXT_MAX], *at, *end;
	FILE *f = fopen("docs/POLICY_SERVICE.md", "r");
	bool quoted = false;
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	at = strstr(text, "```json\n");
	assert_non_null(at);
	at += strlen("```json\n");
	end = strstr(at, "```");
	assert_non_null(end);
	for (; at < end; at++) {
		quoted ^= *at == '"';
		if (quoted || (*at != ' ' && *at != '\n'))
			buf_putc(out, *at);
	}
}

static void
writes_what_is_documented(void **state)
{
	struct buf example;

	buf_init(&example, TEXT_MAX);
	read_example(&example);
	assert_string_equal(written(*state), buf_text(&example));
	buf_fini(&example);
}

static void
leaves_out_what_may_not_be_tried(void **state)
{
	struct scene *s = *state;

	assert_null(strstr(written(s), "out/of-it"));
	s->candidates[1].excluded = EXCLUSION_NONE;
	s->candidates[0].excluded = EXCLUSION_REGION;
	s->candidates[2].excluded = EXCLUSION_DISABLED;
	has(s, "\"targets\":[{\"target\":\"out/of-it\",");
	assert_null(strstr(written(s), "},{"));
	s->candidates[1].excluded = EXCLUSION_PRICE;
	has(s, ",\"targets\":[],");
}

static void
has_content_only_when_given(void **state)
{
	struct scene *s = *state;

	assert_null(strstr(written(s), "\"body\""));
	s->wish.content = slice_of("{\"messages\":[\"\\u0041\"]}");
	has(s, ",\"seed\":123456789,\"body\":{\"messages\":[\"\\u0041\"]}}");
}

static void
writes_tags(void **state)
{
	static const struct {
		const char *tags, *json;
	} cases[] = { { "", "{}" }, { "a=1", "{\"a\":\"1\"}" },
		{ "a=,b==", "{\"a\":\"\",\"b\":\"=\"}" },
		{ "x,a=1,,y", "{\"a\":\"1\"}" },
		{ "a=\"\\", "{\"a\":\"\\\"\\\\\"}" } };
	struct scene *s = *state;
	char piece[64];
	size_t i;

	for (i = 0; i < count_of(cases); i++) {
		s->wish.tags = slice_of(cases[i].tags);
		snprintf(piece, sizeof(piece), ",\"tags\":%s,\"stream\"",
		    cases[i].json);
		has(s, piece);
	}
}

static void
writes_numbers(void **state)
{
	struct scene *s = *state;
	struct candidate *c = &s->candidates[0];

	s->routes[0].price.input = 1;
	s->routes[0].price.cached_input = PRICE_UNKNOWN;
	s->routes[0].price.output = PRICE_UNKNOWN;
	c->cost_microusd = 1234500;
	c->seen = (struct sight){ .attempts = 3, .failures = 2 };
	has(s, "\"price_input\":0.000001,\"price_cached_input\":0.000001,"
	       "\"price_output\":null,\"estimated_cost_usd\":1.2345,");
	has(s, "\"attempts\":3,\"error_rate\":0.666667,\"ttft_p50_ms\":null,");
	c->seen.failures = 3;
	c->seen.ttft_p50_us = 400;
	has(s, "\"error_rate\":1,\"ttft_p50_ms\":0,\"ttft_p95_ms\":null,");
}

static void
bounds_what_is_a_fraction(void **state)
{
	struct scene *s = *state;

	s->order.complexity = 1.5;
	has(s, "\"complexity\":1}");
	s->order.complexity = -1;
	has(s, "\"complexity\":0}");
	s->order.complexity = 0.0 / 0.0;
	has(s, "\"complexity\":0}");
	s->candidates[0].seen.tokens_per_s = 1e300;
	has(s, "\"tokens_per_second\":null,\"warm\":true");
	s->candidates[0].seen.tokens_per_s = 1234.96;
	has(s, "\"tokens_per_second\":1235,\"warm\":true");
}

static void
tells_what_may_be_called_at_once(void **state)
{
	struct scene *s = *state;

	s->shape.one_call_at_a_time = true;
	has(s, "\"tools\":true,\"forced_tool\":false,\"parallel_tools\":false");
	s->shape.one_call_at_a_time = s->shape.tools = false;
	has(s, "\"tools\":false,\"forced_tool\":false,\"parallel_tools\":fals");
}

static void
escapes_names(void **state)
{
	struct scene *s = *state;

	s->wish.user = slice_of("a\"b\\\n");
	has(s, "\"user\":\"a\\\"b\\\\\\n\",");
}

static void
overflows_as_a_whole(void **state)
{
	struct scene *s = *state;
	struct buf small;

	buf_init(&small, 200);
	contract_write(&small, &s->wish);
	assert_true(small.failed);
	buf_fini(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		EACH(writes_what_is_documented),
		EACH(leaves_out_what_may_not_be_tried),
		EACH(has_content_only_when_given),
		EACH(writes_tags),
		EACH(writes_numbers),
		EACH(bounds_what_is_a_fraction),
		EACH(tells_what_may_be_called_at_once),
		EACH(escapes_names),
		EACH(overflows_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
