#pragma once
/*
 * entry: one response with its input, as the history archives it.  It is
 * found by the response's id and by the id of each of its items.  The
 * history's own part, behind its verbs.
 */
#include "node/archive.h"

struct history_entry;
struct json_value;

struct entry {
	struct slice response, previous; /* ids */
	struct slice input, output;      /* JSON arrays */
};

/* Kinds of an archive's names. */
#define ENTRY_RESPONSE 'r'
#define ENTRY_ITEM     'i'

#define ENTRY_REFERENCE "item_reference"

/* Does an item of an input stand for one that is kept? */
must_check bool entry_is_reference(const struct json_value *item);

/* Left out with a line in the log when something is wrong with it. */
void entry_put(struct archive *a, struct ledger_turn *t,
    const struct history_entry *e);

/* Who reads, when and where to; what was read lies in the arena. */
struct entry_reader {
	struct archive *archive;
	struct archive_owner owner;
	int64_t now_us;
	struct arena *arena;
};

enum archive_result entry_get(const struct entry_reader *r,
    struct archive_name name, struct entry *e);
