#pragma once
/*
 * jsonkeys: the keys of the objects that a parse is inside of, to refuse
 * duplicates at a price that nobody can drive up.  For json's own files.
 *
 * The first few keys of an object are each compared to those before them, if
 * a set of 64 bits says that they may be among them.  An object with more, or
 * with escapes in a key, is checked when it ends by a table of hashes under
 * this process's key, so that no one can aim for collisions.
 */
#include "common/base/slice.h"

struct json_key {
	const char *ptr; /* between the quotes, as it stands in the text */
	uint32_t len;    /* at most JSON_KEY_MAX */
	bool escaped;
};

/* Before memory is asked for. */
#define JSONKEYS_FIRST 128

struct jsonkeys {
	struct json_key *keys; /* of all open objects, outermost first */
	size_t count, cap;
	struct json_key first[JSONKEYS_FIRST];
};

/* One open object. */
struct json_members {
	size_t first; /* in jsonkeys.keys */
	size_t count;
	uint64_t seen; /* a bit for each key */
	bool escaped;  /* some key has escapes */
};

void jsonkeys_init(struct jsonkeys *all);
void jsonkeys_fini(struct jsonkeys *all);

struct json_members jsonkeys_open(const struct jsonkeys *all);

/* Note a key; false when it is known to be there already. */
must_check bool jsonkeys_add(struct jsonkeys *all, struct json_members *m,
    const struct json_key *k);

/*
 * The object has ended.  NULL, or a key that occurs twice in it; its keys are
 * forgotten.
 */
const char *jsonkeys_close(struct jsonkeys *all, const struct json_members *m);
