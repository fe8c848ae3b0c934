#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/stat.h"
#include "common/member/metrics.h"

static void
a_sample_has_its_labels_escaped(void **state)
{
	const struct metric_label labels[] = {
		{ "target", slice_of("a/b\"c\\d\ne") },
		{ "quantile", slice_of("0.95") },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	metrics_family(&out, "gsr_x", "gauge", "what it is");
	metrics_sample(&out, "gsr_x", labels, 2, 0.25);
	metrics_sample(&out, "gsr_y", NULL, 0, 12345678901234.0);
	assert_string_equal(buf_text(&out),
	    "# HELP gsr_x what it is\n# TYPE gsr_x gauge\n"
	    "gsr_x{target=\"a/b\\\"c\\\\d\\ne\",quantile=\"0.95\"} 0.25\n"
	    "gsr_y 12345678901234\n");
	buf_fini(&out);
}

static void
every_counter_is_a_family(void **state)
{
	struct buf out;
	char line[128];
	int i;

	(void)state;
	buf_init(&out, 1 << 20);
	stat_add(STAT_RETRIES, 7);
	metrics_counters(&out);
	for (i = 0; i < STAT_COUNT; i++) {
		snprintf(line, sizeof(line), "# TYPE %s counter\n%s ",
		    stat_name((enum stat)i), stat_name((enum stat)i));
		assert_non_null(strstr(buf_text(&out), line));
	}
	assert_non_null(strstr(buf_text(&out), "\ngsr_retries_total 7\n"));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_has_its_labels_escaped),
		cmocka_unit_test(every_counter_is_a_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
