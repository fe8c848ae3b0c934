#include "common/store/family.h"

#include "common/store/merge.h"
#include "common/store/total.h"

/* RocksDB insists on a family called "default". */
static const struct family_kind kinds[FAMILIES] = {
	[FAMILY_META] = { .name = "default" },
	[FAMILY_REQUEST] = { .name = "request" },
	[FAMILY_ATTEMPT] = { .name = "attempt" },
	[FAMILY_INTENT] = { .name = "intent", .once = true },
	[FAMILY_EVENT] = { .name = "event" },
	[FAMILY_RECEIPT] = { .name = "receipt" },
	[FAMILY_OUTBOX] = { .name = "outbox", .once = true },
	[FAMILY_TOKEN] = { .name = "token" },
	[FAMILY_MAKER] = { .name = "maker" },
	[FAMILY_CONTENT] = { .name = "content" },
	[FAMILY_DECISION] = { .name = "decision" },
	[FAMILY_EVIDENCE] = { .name = "evidence" },
	[FAMILY_SPEND] = { .name = "spend",
	    .merge = merge_sums,
	    .merge_name = "gsr.sums" },
	[FAMILY_ROLLUP] = { .name = "rollup",
	    .merge = total_merge,
	    .merge_name = "gsr.totals" },
	[FAMILY_SLIP] = { .name = "slip" },
	[FAMILY_BOOK] = { .name = "book" },
	[FAMILY_STEWARD] = { .name = "steward" },
	[FAMILY_AUDIT] = { .name = "audit" },
};

const struct family_kind *
family_kind(enum family f)
{
	return &kinds[f];
}

enum family
family_named(const char *name)
{
	enum family f = 0;

	while (f < FAMILIES && strcmp(kinds[f].name, name) != 0)
		f++;
	return f;
}
