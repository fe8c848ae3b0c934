#include "common/member/metrics.h"

#include "common/base/buf.h"
#include "common/base/stat.h"

/* The escapes of a label's value; of a help text, too, which has no quotes. */
static void
put_escaped(struct buf *out, struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else
			buf_putc(out, c);
	}
}

void
metrics_family(struct buf *out, const char *name, const char *type,
    const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void
metrics_sample(struct buf *out, const char *name,
    const struct metric_label *labels, size_t count, double value)
{
	size_t i;

	buf_puts(out, name);
	for (i = 0; i < count; i++) {
		buf_printf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
		put_escaped(out, labels[i].value);
		buf_putc(out, '"');
	}
	buf_printf(out, "%s %.15g\n", count > 0 ? "}" : "", value);
}

void
metrics_counters(struct buf *out)
{
	enum stat s;

	for (s = 0; s < STAT_COUNT; s++) {
		metrics_family(out, stat_name(s), "counter", stat_help(s));
		buf_printf(out, "%s %llu\n", stat_name(s),
		    (unsigned long long)stat_get(s));
	}
}
