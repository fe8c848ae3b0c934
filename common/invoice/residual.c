#include "common/invoice/residual.h"

#include "common/base/buf.h"

static const struct {
	const char *name;
	bool explained;
	const char *rule;
} kinds[RESIDUALS] = {
#define RESIDUAL(id, name, explained, rule)                                    \
	[RESIDUAL_##id] = { name, explained, rule },
#include "common/invoice/residual.def"
#undef RESIDUAL
};

const char *
residual_name(enum residual r)
{
	return kinds[r].name;
}

const char *
residual_rule(enum residual r)
{
	return kinds[r].rule;
}

bool
residual_explains(enum residual r)
{
	return kinds[r].explained;
}

void
residual_docs(struct buf *out)
{
	enum residual r;

	buf_puts(out, "\n## Residuals of invoices\n\n| residual | explained | "
		      "rule |\n|---|---|---|\n");
	for (r = 0; r < RESIDUALS; r++)
		buf_printf(out, "| `%s` | %s | %s |\n", residual_name(r),
		    residual_explains(r) ? "yes" : "no", residual_rule(r));
}
