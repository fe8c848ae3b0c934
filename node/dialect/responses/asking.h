#pragma once
/*
 * asking: a Responses request being read into a turn.  Its readers are false
 * and wrong when something has a wrong type; what is only unknown is noted
 * in the turn's carry list.  Pure.
 */
#include "common/base/map.h"
#include "node/dialect/reading.h"

struct asking {
	struct reading reading; /* first: see asking_of */
	struct map calls;       /* raw id → the message that has the call */
};

/* Every reading here is the one in an asking. */
static inline struct asking *
asking_of(struct reading *r)
{
	return (struct asking *)(void *)r;
}

/* `input`, and an item of it that sets `reasoning` or `text` anew. */
must_check bool asking_input(struct reading *r, const struct json_value *input);
must_check bool asking_reasoning(struct reading *r, const struct json_value *v);
must_check bool asking_text(struct reading *r, const struct json_value *v);

/* Parts of a message of that role, or of a call's result; or one string. */
must_check bool asking_content(struct reading *r, enum turn_role role,
    struct slice phase, const struct json_value *content);
must_check bool asking_output(struct reading *r, struct part *result,
    const struct json_value *output);

/* A list of tools; and what they are called by targets, as a raw string. */
must_check bool asking_tools(struct reading *r, const struct json_value *tools);
struct slice asking_tool_names(struct reading *r,
    const struct json_value *tools);
must_check bool asking_choice(struct reading *r, const struct json_value *v);
