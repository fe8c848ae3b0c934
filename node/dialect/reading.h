#pragma once
/*
 * reading: a caller's request being read into a turn, key by key from a table
 * of its dialect: what is only kept has a place in the turn, what needs more
 * has a function, what not every dialect can say has its feature.  Keys that
 * are the router's own (own.def) stand there too, with nothing to do.  Pure.
 */
#include <stddef.h>

#include "node/dialect/turn.h"

struct reading {
	struct turn *turn;
	const char *why; /* names the field; constant or arena */
};

#define READING_NOWHERE  SIZE_MAX
#define READING_NOTHING  CARRY_COUNT
#define READING_AT(name) offsetof(struct turn, name)

struct reading_key {
	const char *name;
	bool (*read)(struct reading *r, const struct json_value *v);
	size_t offset; /* of a slice in the turn, for its raw value */
	enum carry carry;
	const char *plain; /* a raw value that is as good as none, or NULL */
};

/* Always false, for `return reading_refuse(r, …)`. */
bool reading_refuse(struct reading *r, const char *why);

/* Does it have a member that says something and is in no row of `known`? */
must_check bool reading_has_others(const struct json_value *object,
    const char *const *known, size_t count);

/*
 * Read the members of the root that say something, in the table's order, so
 * that tools are known before what names them; then note what no row knows.
 */
must_check bool reading_keys(struct reading *r, const struct json_value *root,
    const struct reading_key *keys, size_t count);
