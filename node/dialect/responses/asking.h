#pragma once
/*
 * asking: a Responses request being read into a turn, and where in it one is,
 * so that what is wrong is named by its place.  Its readers are false with
 * *why when something has a wrong type; what is only unknown is noted in the
 * turn's carry list.  Pure.
 */
#include "node/dialect/turn.h"

struct json_value;
struct map;

struct asking {
	struct turn *t;
	const char **why;
	struct map *calls; /* raw id → the message that has the call */
	const char *list;  /* "input" or "tools"; NULL: at the top */
	size_t at;
	const char *inner; /* a list within that one, or NULL */
	size_t inner_at;
};

/* Always false: the field here, by its name, has to be otherwise. */
must_check bool asking_wrong(const struct asking *a, const char *field,
    const char *must);

/* A member that is a string, raw; empty when it is not there or null. */
must_check bool asking_string(const struct asking *a,
    const struct json_value *object, const char *name, struct slice *raw);

/* The same, and it has to be there and to have a character. */
must_check bool asking_needs(const struct asking *a,
    const struct json_value *object, const char *name, struct slice *raw);

/* `input`, and an item of it that sets `reasoning` or `text` anew. */
must_check bool asking_input(struct asking *a, const struct json_value *input);
must_check bool asking_reasoning(struct asking *a, const struct json_value *v);
must_check bool asking_text(struct asking *a, const struct json_value *v);

/* Parts of a message of that role, or of a call's result; or one string. */
must_check bool asking_content(struct asking *a, enum turn_role role,
    struct slice phase, const struct json_value *content);
must_check bool asking_output(struct asking *a, struct part *result,
    const struct json_value *output);

/* A list of tools; and what they are called by targets, as a raw string. */
must_check bool asking_tools(struct asking *a, const struct json_value *tools);
struct slice asking_tool_names(const struct asking *a,
    const struct json_value *tools);
must_check bool asking_choice(struct asking *a, const struct json_value *v);
