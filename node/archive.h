#pragma once
/*
 * archive: sealed records that a caller may ask for again, by their names.
 *
 * Shared by the threads of a node, in FAMILY_CONTENT.  Neither a record nor a
 * name nor a caller stands in the store readable; a record is found only by
 * who put it, for the same group, until it ends.  The records of a group have
 * a maximum of bytes: those that end first go first.  Records can be left
 * out: nothing here fails a request.
 */
#include "common/base/crypto.h"
#include "common/base/slice.h"
#include "node/shelf.h"

struct archive;
struct arena;
struct ledger;
struct ledger_turn;

#define ARCHIVE_RECORD_MAX (8u << 20)

/* The records of all groups are counted: reads a small row of each. */
struct archive *archive_open(struct ledger *ledger,
    const struct secret *identity);

/* No thread uses it any more; NULL is fine. */
void archive_close(struct archive *a);

/* Who puts and asks: a value made from a caller and a group. */
struct archive_owner {
	struct hash hash;
	uint8_t group[SHELF_TAG];
};

struct archive_owner archive_owner(const struct archive *a, struct slice caller,
    struct slice group);

/* Kinds of names are apart. */
struct archive_name {
	char kind;
	struct slice id;
};

struct archive_record {
	const struct archive_owner *owner;
	struct slice bytes;
	const struct archive_name *names;
	size_t names_count;
	int64_t now_us, ends_us;
	int64_t group_max_bytes; /* that the owner's group may keep */
};

/*
 * Put with the turn's settlements; a name that was used goes to this record.
 * False and a line in the log when it was left out: too large for the group,
 * or the store does not keep up.
 */
bool archive_put(struct archive *a, struct ledger_turn *t,
    const struct archive_record *r);

/* Which record has that name now?  Only what is written is found. */
must_check bool archive_find(struct archive *a,
    const struct archive_owner *owner, struct archive_name name, int64_t now_us,
    struct shelf_key *key);

enum archive_result {
	ARCHIVE_READ,
	ARCHIVE_GONE,     /* or damaged: logged */
	ARCHIVE_TOO_LARGE /* for the arena */
};

/* The bytes of a record that was found, in the arena. */
enum archive_result archive_read(struct archive *a,
    const struct archive_owner *owner, const struct shelf_key *key,
    struct arena *arena, struct slice *bytes);

/* The clerk's thread: a bounded step of deleting what has ended. */
void archive_sweep(struct archive *a, int64_t now_us);
