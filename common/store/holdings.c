#include "common/store/holdings.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/store/disposal.h"

#define LIMIT_CHARS 32

/* Which families make a class. */
static const struct part {
	enum retention_class class;
	enum family family;
} parts[] = {
	{ RETENTION_USAGE, FAMILY_REQUEST },
	{ RETENTION_USAGE, FAMILY_ATTEMPT },
	{ RETENTION_DECISIONS, FAMILY_DECISION },
	{ RETENTION_EVENTS, FAMILY_EVENT },
	{ RETENTION_RECEIPTS, FAMILY_RECEIPT },
	{ RETENTION_SUMS, FAMILY_SPEND },
	{ RETENTION_SUMS, FAMILY_ROLLUP },
	{ RETENTION_SUMS, FAMILY_BOOK },
	{ RETENTION_AUDIT, FAMILY_AUDIT },
	{ RETENTION_EVIDENCE, FAMILY_EVIDENCE },
	{ RETENTION_CONTENT, FAMILY_CONTENT },
	{ RETENTION_MAKERS, FAMILY_MAKER },
	{ RETENTION_ACCESS, FAMILY_TOKEN },
	{ RETENTION_ACCESS, FAMILY_STEWARD },
	{ RETENTION_ACCESS, FAMILY_META },
};

/* As the files have it. */
static void
write_limit(int64_t ms, char text[LIMIT_CHARS])
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 },
		{ "s", 1000 }, { "ms", 1 } };
	size_t i = 0;

	while (ms % units[i].ms != 0)
		i++;
	snprintf(text, LIMIT_CHARS, "%" PRId64 "%s", ms / units[i].ms,
	    units[i].name);
}

/* Of a family whose keys are times; 0: it has no rows. */
static int64_t
oldest_us(struct db *db, enum family f)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan = db_scan_bare(db, f, none, none);
	struct id id = { { 0 } };

	if (db_scan_next(scan, &key, &value) && key.len >= ID_BYTES)
		memcpy(id.bytes, key.ptr, ID_BYTES);
	db_scan_free(scan);
	return id_time_ms(&id) * US_PER_MS;
}

struct sum {
	int64_t rows, bytes, oldest_us;
};

static struct sum
add_up(struct db *db, enum retention_class class)
{
	struct slice none = { NULL, 0 };
	struct sum sum = { 0, 0, 0 };
	size_t i;

	for (i = 0; i < count_of(parts); i++) {
		struct db_size size;
		int64_t oldest;

		if (parts[i].class != class)
			continue;
		size = db_size(db, parts[i].family, none, none);
		sum.rows += size.entries;
		sum.bytes += size.bytes;
		if (custody_class(parts[i].family) == RETENTION_CLASSES)
			continue;
		oldest = oldest_us(db, parts[i].family);
		if (sum.oldest_us == 0 ||
		    (oldest > 0 && oldest < sum.oldest_us))
			sum.oldest_us = oldest;
	}
	return sum;
}

static const struct table_column columns[] = {
	{ "class", CELL_TEXT },
	{ "kept", CELL_TEXT },
	{ "rows", CELL_INT },
	{ "bytes", CELL_BYTES },
	{ "oldest", CELL_TIME },
	{ "past", CELL_INT },
	{ "last_run", CELL_TIME },
	{ "dropped", CELL_INT },
	{ "dropped_before", CELL_TIME },
};

static void
put_class(struct table *t, struct ledger *l, const struct disposal *past,
    enum retention_class class)
{
	struct custody *custody = ledger_custody(l);
	const struct retention_terms terms = custody_terms(custody);
	const struct sum sum = add_up(ledger_db(l), class);
	bool limited = class < RETENTION_LIMITED;
	char kept[LIMIT_CHARS] = "for ever";
	struct custody_mark mark = { 0, 0, 0 };

	if (limited)
		mark = custody_mark_get(custody, class);
	if (limited && terms.keep_ms[class] > 0)
		write_limit(terms.keep_ms[class], kept);
	table_text(t, slice_of(retention_name(class)));
	table_text(t, slice_of(limited ? kept : retention_ends(class)));
	table_int(t, sum.rows);
	table_int(t, sum.bytes);
	table_int(t, sum.oldest_us);
	table_int(t, limited ? past->classes[class].rows : 0);
	table_int(t, mark.run_us);
	table_int(t, mark.rows);
	table_int(t, mark.before_ms * US_PER_MS);
}

void
holdings_write(struct ledger *l, int64_t now_us, enum output_format format,
    struct buf *out)
{
	struct legal_hold holds[LEGAL_HOLDS_MAX];
	size_t count = custody_holds(ledger_custody(l), holds);
	enum retention_class class;
	struct disposal past;
	struct table t;
	bool more;

	disposal_begin(&past, l, now_us, true);
	more = disposal_step(&past, HOLDINGS_SEARCH_MAX);
	if (format == OUTPUT_JSON)
		buf_printf(out, "{\"past_counted\":%s,\"classes\":",
		    more ? "false" : "true");
	table_open(&t, out, format, columns, count_of(columns));
	for (class = 0; class < RETENTION_CLASSES; class ++)
		put_class(&t, l, &past, class);
	table_close(&t);
	if (format == OUTPUT_JSON)
		buf_puts(out, ",\"holds\":");
	else if (more)
		buf_printf(out, "(past: at least; %d rows were looked at)\n",
		    HOLDINGS_SEARCH_MAX);
	if (format == OUTPUT_TEXT && count == 0)
		return;
	buf_puts(out, format == OUTPUT_TEXT ? "\n" : "");
	legal_hold_list(holds, count, format, out);
	buf_puts(out, format == OUTPUT_JSON ? "}\n" : "");
}
