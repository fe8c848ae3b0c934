#include "common/cmd/rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/cmd/ask.h"
#include "common/cmd/auditor.h"
#include "common/export/bundle.h"
#include "common/export/entry.h"
#include "common/member/identity.h"
#include "common/store/book.h"
#include "common/store/custody.h"
#include "common/store/db.h"
#include "common/store/ledger.h"

#define WHY_MAX (64 * 1024)

struct rows {
	struct ledger *ledger; /* or NULL: of an export */
	struct identity identity;
	struct auditor *auditor; /* may be NULL */
	struct bundle bundle;
};

struct slice
rows_member(const struct rows *r)
{
	return slice_of(
	    r->ledger != NULL ? r->identity.name : r->bundle.manifest.member);
}

struct rows *
rows_of_store(const char *state_dir)
{
	struct rows *r = xcalloc(1, sizeof(*r));
	struct buf why;

	buf_init(&why, WHY_MAX);
	if (identity_open(&r->identity, state_dir, &why)) {
		r->ledger = ask_store(state_dir);
		if (r->ledger == NULL)
			identity_close(&r->identity);
	}
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	if (r->ledger != NULL)
		return r;
	free(r);
	return NULL;
}

static void
print_finding(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/* By public keys, or as it stands. */
static bool
open_bundle(struct rows *r, const char *dir)
{
	struct buf why;
	bool good;

	if (r->auditor != NULL) {
		if (!auditor_open(r->auditor, dir, &r->bundle))
			return false;
		good = auditor_check(r->auditor, &r->bundle, print_finding,
			   NULL) == 0;
		if (!good)
			bundle_close(&r->bundle);
		return good;
	}
	fprintf(stderr,
	    "%s is taken as it stands; --topology DIR checks who "
	    "signed it\n",
	    dir);
	buf_init(&why, WHY_MAX);
	good = bundle_open(&r->bundle, dir, &why);
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	return good;
}

static bool
has_attempts(const struct bundle *b)
{
	if (b->manifest.files[EXPORT_ATTEMPT].wanted)
		return true;
	fprintf(stderr,
	    "%s has no attempts: export them with --kinds attempt, or leave "
	    "--kinds out\n",
	    b->dir);
	return false;
}

struct rows *
rows_of_export(const char *dir, const char *topology, const char *operator_key)
{
	struct rows *r = xcalloc(1, sizeof(*r));

	if (topology != NULL)
		r->auditor = auditor_new(topology, operator_key);
	if ((topology == NULL || r->auditor != NULL) && open_bundle(r, dir)) {
		if (has_attempts(&r->bundle))
			return r;
		bundle_close(&r->bundle);
	}
	auditor_free(r->auditor);
	free(r);
	return NULL;
}

void
rows_close(struct rows *r)
{
	if (r->ledger != NULL) {
		ledger_close(r->ledger);
		identity_close(&r->identity);
	} else {
		bundle_close(&r->bundle);
		auditor_free(r->auditor);
	}
	free(r);
}

/* What retention took, or hides, looks as if it had never been. */
static bool
store_covers(const struct rows *r, int64_t from_us)
{
	if (!custody_gone(ledger_custody(r->ledger), RETENTION_USAGE,
		from_us / US_PER_MS))
		return true;
	fprintf(stderr, "retention took rows of these days: ask for later "
			"ones with --from, or take an export of then\n");
	return false;
}

bool
rows_cover(const struct rows *r, int64_t from_us, int64_t to_us)
{
	const struct manifest *m = &r->bundle.manifest;
	char from[CLOCK_TEXT_BYTES], to[CLOCK_TEXT_BYTES];

	if (r->ledger != NULL)
		return store_covers(r, from_us);
	if (m->from <= from_us && (m->to == 0 || m->to >= to_us))
		return true;
	clock_write(from_us, from);
	clock_write(to_us, to);
	fprintf(stderr,
	    "%s has a part of these days only: export --from %s --to %s, or "
	    "more\n",
	    r->bundle.dir, from, to);
	return false;
}

static bool
each_stored(struct rows *r, const struct id *from, const struct id *to,
    rows_call *call, void *arg)
{
	struct attempt_row row;
	struct slice key, value;
	struct price price;
	struct db_scan *scan;
	bool good;

	scan = db_scan_new(ledger_db(r->ledger), FAMILY_ATTEMPT,
	    slice_make(from->bytes, ID_BYTES), slice_make(to->bytes, ID_BYTES),
	    false);
	while (db_scan_next(scan, &key, &value))
		if (row_read(ROW_ATTEMPT, value, &row))
			call(arg, &row,
			    book_price(r->ledger, row.price_book, row.target,
				&price)
				? &price
				: NULL);
	good = !db_scan_failed(scan);
	db_scan_free(scan);
	if (!good)
		fprintf(stderr, "the store could not be read to its end\n");
	return good;
}

static bool
each_exported(struct rows *r, const struct id *from, const struct id *to,
    rows_call *call, void *arg)
{
	const struct tape *tape = &r->bundle.tapes[EXPORT_ATTEMPT];
	struct tape_place place = tape_all(tape);
	struct attempt_row row;
	struct entry_room room;
	struct tape_line line;
	bool good = true;

	entry_room_init(&room);
	while (good && tape_next(tape, &place, &line)) {
		good = line.whole &&
		       entry_row(ROW_ATTEMPT, line.text, &room, &row);
		if (!good)
			fprintf(stderr,
			    "%s: attempt.jsonl: the line at byte %zu is no "
			    "row, or was changed\n",
			    r->bundle.dir, line.at);
		else if (memcmp(&row.request, from, ID_BYTES) >= 0 &&
			 memcmp(&row.request, to, ID_BYTES) < 0)
			call(arg, &row, NULL);
	}
	entry_room_fini(&room);
	return good;
}

bool
rows_each(struct rows *r, int64_t from_us, int64_t to_us, rows_call *call,
    void *arg)
{
	struct id from = id_at(from_us), to = id_at(to_us);

	if (r->ledger != NULL)
		return each_stored(r, &from, &to, call, arg);
	return each_exported(r, &from, &to, call, arg);
}
