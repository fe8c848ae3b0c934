#pragma once
/*
 * reading: a caller's request being read into a turn, and where in it one is,
 * so that what is wrong is named by its place: "messages[2].content[1].text
 * must be a string".  The keys of its top level are a table of the dialect;
 * those that are the router's own (own.def) stand there too.  A dialect that
 * has to remember more begins a struct of its own with this one.  Pure.
 */
#include <stddef.h>

#include "common/format/json.h"
#include "node/dialect/turn.h"

#define READING_DEPTH_MAX 4 /* lists in lists */

struct reading {
	struct turn *turn;
	const char *why; /* in the arena */
	struct reading_place {
		const char *list;
		size_t index;
	} path[READING_DEPTH_MAX];
	unsigned depth;
};

#define READING_AT(name) offsetof(struct turn, name)

struct reading_key {
	const char *name;
	enum json_type type; /* that it must have; JSON_NULL: any */
	const char *plain;   /* a raw value that is as good as none, or NULL */
	/* With a reader, all else is its. */
	bool (*read)(struct reading *r, const struct json_value *v);
	size_t offset; /* of a slice in the turn, for its raw value; or 0 */
	enum carry carry;
};

/*
 * Read the members of the root that say something, in the table's order, so
 * that tools are known before what names them; then note what no row knows.
 */
must_check bool reading_keys(struct reading *r, const struct json_value *root,
    const struct reading_key *keys, size_t count);

/* A key's reader, for what was seen to before. */
bool reading_own(struct reading *r, const struct json_value *v);

/*
 * Always false: the member of where one is, or NULL for that place itself,
 * has to be otherwise.
 */
bool reading_wrong(struct reading *r, const char *field, const char *must);

/*
 * Go through an array by its name: the first item or NULL, and the next or
 * NULL, when one is out of it again.  Nothing is done of a NULL list.
 */
const struct json_value *reading_first(struct reading *r, const char *name,
    const struct json_value *list);
const struct json_value *reading_next(struct reading *r,
    const struct json_value *item);

/* A member that is a string, raw; empty when it is not there or null. */
must_check bool reading_string(struct reading *r,
    const struct json_value *object, const char *name, struct slice *raw);

/* The same, and it has to be there and to have a character. */
must_check bool reading_needs(struct reading *r,
    const struct json_value *object, const char *name, struct slice *raw);

/* Has it a member that says something, but for those words? */
must_check bool reading_has_others(const struct json_value *object,
    const char *known);

/* Note by their names the members that are none of those words. */
void reading_note_others(struct reading *r, const struct json_value *object,
    const char *known);

/* A new tool of the turn; NULL and wrong when it has as many as it may. */
struct tool *reading_tool(struct reading *r, enum tool_kind kind,
    struct slice name, struct slice space);

/* The turn's stop sequences, from an array. */
must_check bool reading_stops(struct reading *r, const char *name,
    const struct json_value *list);
