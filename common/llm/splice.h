#pragma once
/*
 * splice: a JSON text with some of its values changed, as pieces of the old
 * text and of new text, in order; nothing is copied that did not change.
 * Edits may be noted in any order but must not overlap: of a value that is
 * removed, nothing else is edited.  All memory is the arena's.  Pure.
 */
#include "common/base/slice.h"

struct arena;
struct edit;
struct json_value;

#define SPLICE_EDITS_MAX 4096

struct splice {
	const struct slice *parts;
	size_t count;
	size_t bytes;     /* of all parts */
	unsigned changes; /* edits made */
};

struct edits {
	const struct json_value *root;
	struct arena *arena;
	struct edit *list; /* in order of place */
	size_t count, room;
	bool failed; /* more than SPLICE_EDITS_MAX: nothing was noted since */
};

void edits_init(struct edits *e, const struct json_value *root,
    struct arena *arena);

/* Another text in the value's place. */
void edits_replace(struct edits *e, const struct json_value *value,
    const char *text);

/* A member behind the last of an object, of which one at least stays. */
void edits_add(struct edits *e, const struct json_value *object,
    const char *key, const char *text);

/* An element behind the last of an array. */
void edits_push(struct edits *e, const struct json_value *array,
    const char *text);

/* Take out those children that `gone` says; how many were. */
size_t edits_cut(struct edits *e, const struct json_value *container,
    bool (*gone)(const struct json_value *child, void *arg), void *arg);

/* The text as it is now; `failed` has to be looked at first. */
void edits_splice(struct splice *out, const struct edits *e);
