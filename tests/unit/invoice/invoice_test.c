#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/invoice/invoice.h"
#include "common/limit/calendar.h"

#define DAY INT64_C(20722) /* 2026-09-26 */

struct read {
	struct aliases aliases;
	struct invoice invoice;
	struct taken taken;
	struct buf why;
};

static void
read_new(struct read *r)
{
	memset(r, 0, sizeof(*r));
	r->invoice.cells = cells_new(&r->aliases);
	buf_init(&r->why, 65536);
}

static void
read_free(struct read *r)
{
	cells_free(r->invoice.cells);
	buf_fini(&r->why);
}

static bool
read_text(struct read *r, const char *text)
{
	char *bytes = xstrdup(text);
	bool good =
	    invoice_take(&r->invoice, bytes, strlen(bytes), &r->taken, &r->why);

	free(bytes);
	return good;
}

static void
has(const struct read *r, const char *model, enum quantity q, int64_t number)
{
	const struct cell *cell = cells_find(r->invoice.cells, DAY, model);

	assert_non_null(cell);
	assert_true(r->invoice.has[q]);
	assert_int_equal(cell->invoice.of[q], number);
}

/* The same use, as each export that is taken writes it. */
static void
test_each_layout_says_the_same(void **state)
{
	static const struct {
		const char *layout, *text;
		bool requests, write, hour;
	} files[] = {
		{ "OpenAI usage (CSV)",
		    "\xEF\xBB\xBFstart_time,end_time,start_time_iso,"
		    "num_model_requests,model,input_tokens,output_tokens,"
		    "input_cached_tokens,input_cache_write_tokens\r\n"
		    "1790380800,1790467200,2026-09-26T00:00:00+00:00,2,"
		    "gpt-5-mini-2025-08-07,1000,50,300,100\r\n"
		    "1790380800,1790467200,2026-09-26T00:00:00+00:00,1,"
		    "gpt-5-mini,100,10,0,0\r\n",
		    true, true, false },
		{ "OpenAI usage (JSON)",
		    "{\"object\":\"page\",\"data\":[{\"object\":\"bucket\","
		    "\"start_time\":1790380800,\"end_time\":1790467200,"
		    "\"results\":[{\"input_tokens\":1100,\"output_tokens\":60,"
		    "\"input_cached_tokens\":300,"
		    "\"input_cache_write_tokens\":100,"
		    "\"num_model_requests\":3,\"model\":\"gpt-5-mini\"}]}],"
		    "\"has_more\":false}",
		    true, true, false },
		{ "Anthropic usage (CSV)",
		    "usage_date_utc,model_version,api_key,"
		    "usage_input_tokens_no_cache,"
		    "usage_input_tokens_cache_write_5m,"
		    "usage_input_tokens_cache_write_1h,"
		    "usage_input_tokens_cache_read,usage_output_tokens,"
		    "web_search_count\n"
		    "2026-09-26,gpt-5-mini-20250807,\"a, \"\"key\"\"\",700,60,"
		    "40,300,60,0\n",
		    false, true, true },
		{ "Anthropic usage (JSON)",
		    "[{\"data\":[{\"starting_at\":\"2026-09-26T00:00:00Z\","
		    "\"ending_at\":\"2026-09-27T00:00:00Z\",\"results\":["
		    "{\"uncached_input_tokens\":700,\"cache_creation\":{"
		    "\"ephemeral_1h_input_tokens\":40,"
		    "\"ephemeral_5m_input_tokens\":60},"
		    "\"cache_read_input_tokens\":300,\"output_tokens\":60,"
		    "\"server_tool_use\":{\"web_search_requests\":0},"
		    "\"model\":\"GPT 5 mini\"}]}]}]",
		    false, true, true },
		{ "plain usage (CSV)",
		    "Day;Model;Requests;Input;Cache read;Output\n"
		    "2026-09-26;gpt-5-mini;3;800;300;60",
		    true, false, false },
	};
	struct read r;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(files); i++) {
		read_new(&r);
		if (!read_text(&r, files[i].text))
			fail_msg("%s: %s", files[i].layout, buf_text(&r.why));
		assert_string_equal(r.taken.layout, files[i].layout);
		assert_true(invoice_settle(&r.invoice));
		has(&r, "gpt-5-mini", QUANTITY_OUTPUT, 60);
		has(&r, "gpt-5-mini", QUANTITY_CACHE_READ, 300);
		if (files[i].requests)
			has(&r, "gpt-5-mini", QUANTITY_REQUESTS, 3);
		has(&r, "gpt-5-mini", QUANTITY_INPUT,
		    files[i].write ? 700 : 800);
		if (files[i].write)
			has(&r, "gpt-5-mini", QUANTITY_CACHE_WRITE,
			    files[i].hour ? 60 : 100);
		assert_int_equal(r.invoice.first_day, DAY);
		assert_int_equal(r.invoice.last_day, DAY);
		assert_false(r.invoice.has[QUANTITY_COST]);
		read_free(&r);
	}
}

static void
test_costs_are_money_by_model(void **state)
{
	static const struct {
		const char *text;
	} files[] = {
		{ "start_time,end_time,amount_value,amount_currency,line_item\n"
		  "1790380800,1790467200,0.0012340000000,usd,"
		  "\"gpt-5-mini-2025-08-07, input\"\n"
		  "1790380800,1790467200,0.000000400,usd,"
		  "\"gpt-5-mini, cached\"\n"
		  "1790380800,1790467200,,,\n"
		  "1790380800,1790467200,0.000000400,usd,"
		  "\"gpt-5-mini, output\"\n" },
		{ "{\"data\":[{\"start_time\":1790380800,\"results\":[{"
		  "\"amount\":{\"value\":1.2348e-3,\"currency\":\"usd\"},"
		  "\"line_item\":\"gpt-5-mini, input\"}]}],"
		  "\"has_more\":true}" },
		{ "{\"data\":[{\"starting_at\":\"2026-09-26T00:00:00Z\","
		  "\"results\":[{\"currency\":\"USD\",\"amount\":"
		  "\"0.12348\",\"model\":\"gpt-5-mini\"}]}]}" },
		{ "usage_date_utc,model,workspace,token_type,cost_usd\n"
		  "2026-09-26,GPT 5 Mini,Default,input_no_cache,0.0012348\n" },
		{ "day,model,cost\n2026-09-26,gpt-5-mini,$0.0012348\n" },
	};
	struct read r;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(files); i++) {
		read_new(&r);
		if (!read_text(&r, files[i].text))
			fail_msg("%zu: %s", i, buf_text(&r.why));
		assert_true(invoice_settle(&r.invoice));
		has(&r, "gpt-5-mini", QUANTITY_COST, 1235);
		assert_false(r.invoice.has[QUANTITY_INPUT]);
		assert_int_equal(r.invoice.more, i == 1);
		read_free(&r);
	}
}

static void
test_money_of_no_model_is_of_the_day(void **state)
{
	struct read r;

	(void)state;
	read_new(&r);
	assert_true(read_text(&r, "start_time,amount_value\n1790380800,1.5\n"));
	assert_true(
	    read_text(&r, "day,model,cost\n2026-09-26,gpt-5-mini,0.25\n"));
	assert_true(r.invoice.money_by_day);
	assert_true(invoice_settle(&r.invoice));
	has(&r, "", QUANTITY_COST, 1750000);
	has(&r, "gpt-5-mini", QUANTITY_COST, 0);
	read_free(&r);
}

static void
test_what_is_wrong_is_told_with_its_place(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "none of the exports that are taken" },
		{ "a,b\n1,2\n", "OpenAI costs (CSV): start_time*" },
		{ "day,model\n2026-09-26,m\n", "none of the exports" },
		{ "day,model,input\n2026-09-26,m,-3\n",
		    "line 2: input is '-3'; it has to be a count" },
		{ "day,model,input\n\n2026-9-26,m,3\n",
		    "line 3: day is '2026-9-26'" },
		{ "day,model,input\n2026-09-26,m\n", "line 2 has 2 cells" },
		{ "day,model,input\n2026-09-26,\"m,3\n", "line 2 has a quote" },
		{ "day,model,input\n2026-09-26,,3\n", "grouped by model" },
		{ "day,model,cost\n2026-09-26,m,2 EUR\n", "has to be USD" },
		{ "start_time,amount_value,amount_currency\n1,2,eur\n",
		    "prices are in USD" },
		{ "start_time,end_time,amount_value\n0,86401,1\n",
		    "of more than a day" },
		{ "start_time,model,num_model_requests,input_tokens,"
		  "input_cached_tokens,output_tokens\n0,m,1,5,6,0\n",
		    "line 2: more input was cached than there was" },
		{ "{\"data\":[", "it is no JSON" },
		{ "{\"usage\":[]}", "no 'data' with buckets" },
		{ "{\"data\":[{\"start_time\":0,\"results\":[{\"x\":1}]}]}",
		    "bucket 1: a result is not one of usage or cost" },
		{ "{\"data\":[{\"start_time\":0,\"end_time\":604800,"
		  "\"results\":[]}]}",
		    "bucket_width=1d" },
		{ "{\"data\":[{\"results\":[]}]}", "its beginning is not" },
		{ "{\"data\":[{\"start_time\":0,\"results\":[{\"amount\":"
		  "{\"value\":\"x\"}}]}]}",
		    "amount is not a sum of money" },
	};
	struct read r;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		read_new(&r);
		assert_false(read_text(&r, bad[i].text));
		if (strstr(buf_text(&r.why), bad[i].why) == NULL)
			fail_msg("%zu: %s", i, buf_text(&r.why));
		read_free(&r);
	}
}

static void
test_sums_are_bounded(void **state)
{
	static const char head[] = "day,model,input\n";
	static const char row[] = "2026-09-26,m,1000000000000000\n";
	struct buf text;
	struct read r;
	int i;

	(void)state;
	buf_init(&text, 65536);
	buf_puts(&text, head);
	for (i = 0; i < 101; i++)
		buf_puts(&text, row);
	read_new(&r);
	assert_false(read_text(&r, buf_text(&text)));
	assert_non_null(strstr(buf_text(&r.why), "larger than can be"));
	read_free(&r);
	buf_fini(&text);
}

static void
test_names_of_a_model_are_one(void **state)
{
	static const struct {
		const char *name, *folded;
	} names[] = {
		{ "Claude Haiku 4.5", "claude-haiku-4-5" },
		{ "claude-haiku-4-5-20251001", "claude-haiku-4-5" },
		{ "gpt-5-mini-2025-08-07", "gpt-5-mini" },
		{ "gpt-5-mini-latest", "gpt-5-mini" },
		{ "Our house model", "gpt-5-mini" },
		{ "20251001", "20251001" },
		{ "o3", "o3" },
	};
	struct aliases a = { 0 };
	char folded[MODEL_BYTES];
	struct buf why;
	size_t i;

	(void)state;
	buf_init(&why, 1024);
	assert_true(
	    alias_add(&a, slice_of("our house model=GPT-5-mini"), &why));
	alias_fold(&a, slice_make("\0b", 2), folded); /* of no line of ours */
	assert_string_equal(folded, "?b");
	assert_false(alias_add(&a, slice_of("=x"), &why));
	assert_false(alias_add(&a, slice_of("x"), &why));
	for (i = 0; i < count_of(names); i++) {
		alias_fold(&a, slice_of(names[i].name), folded);
		assert_string_equal(folded, names[i].folded);
	}
	buf_fini(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_layout_says_the_same),
		cmocka_unit_test(test_costs_are_money_by_model),
		cmocka_unit_test(test_money_of_no_model_is_of_the_day),
		cmocka_unit_test(test_what_is_wrong_is_told_with_its_place),
		cmocka_unit_test(test_sums_are_bounded),
		cmocka_unit_test(test_names_of_a_model_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
