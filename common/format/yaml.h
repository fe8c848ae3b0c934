#pragma once
/*
 * yaml: one document of YAML 1.2 to a tree in an arena, where every node
 * knows its place; scalars are text.  The only file that sees libfyaml.
 *
 * Refused: more than YAML_BYTES_MAX bytes, YAML_DEPTH_MAX levels or
 * YAML_NODES_MAX nodes (an alias counts as all that it stands for), what is
 * not UTF-8, control characters, duplicate keys, keys that are not scalars,
 * tags, merge keys, a second document.  Pure; any thread.
 */
#include "common/base/slice.h"

struct arena;
struct buf;

#define YAML_BYTES_MAX (1024 * 1024)
#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 50000

/* Arena bytes that one document may take, its text included. */
#define YAML_ARENA_BYTES ((size_t)16 * 1024 * 1024)

enum yaml_type { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

/* Where something stands: from 1; columns count characters. */
struct yaml_place {
	int line, col;
};

struct yaml_item;

struct yaml_node {
	enum yaml_type type;
	bool plain;              /* a scalar without quotes */
	struct yaml_place place; /* of its first character */
	size_t start, end;       /* bytes of the text, quotes included */
	struct slice text;       /* of a scalar; NUL-terminated too */
	const struct yaml_item *first;
	size_t count;  /* items */
	size_t weight; /* nodes, itself and aliases' included */
};

/* One item of a sequence, or one pair of a mapping. */
struct yaml_item {
	const struct yaml_node *key; /* NULL in a sequence */
	const struct yaml_node *value;
	const struct yaml_item *next;
};

struct yaml_error {
	struct yaml_place place;
	const char *text; /* in the arena */
};

/*
 * The root, or NULL and *error.  An empty document is an empty mapping.
 * Nothing of the tree points into `text`.
 */
const struct yaml_node *yaml_parse(struct arena *arena, struct slice text,
    struct yaml_error *error);

/* The pair of a mapping, or NULL (also for NULL and other types). */
const struct yaml_item *yaml_find(const struct yaml_node *mapping,
    struct slice key);

/* The text of a mapping's scalar; empty when there is none. */
struct slice yaml_text(const struct yaml_node *mapping, const char *key);

/* Plain and empty, "~" or "null". */
bool yaml_is_null(const struct yaml_node *node);

/* Append the line of the text at `place`, and a caret under the column. */
void yaml_put_caret(struct buf *out, struct slice text,
    struct yaml_place place);
