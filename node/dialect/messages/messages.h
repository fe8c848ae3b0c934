#pragma once
/*
 * messages: the two faces of Anthropic Messages.  The caller's face reads
 * requests and tells answers (caller_*.c), the target's writes requests and
 * hears answers (target_*.c).  Pure.
 */
#include "node/dialect/reading.h"
#include "node/dialect/target.h"
#include "node/dialect/telling.h"

/* A request being read; its parts go to `result`, else to `message`. */
struct messages_reading {
	struct reading reading; /* first: see messages_of */
	const struct json_value *root;
	enum turn_role role;
	struct message *message; /* NULL: none yet of this one */
	struct part *result;
	bool spoken; /* there was a user or an assistant */
};

/* Every reading here is the one in a messages_reading. */
static inline struct messages_reading *
messages_of(struct reading *r)
{
	return (struct messages_reading *)(void *)r;
}

/* The mark of a prompt cache, if there is one. */
struct slice messages_cache_mark(struct reading *r,
    const struct json_value *object);

/* A part where the reader is; a text, if it is not empty. */
struct part *messages_add(struct reading *r, enum part_kind kind);
void messages_add_text(struct reading *r, struct slice raw, struct slice cache);

/* Of a user's blocks the results are read first, since they lead. */
enum { MESSAGES_RESULTS = 1, MESSAGES_OTHERS = 2, MESSAGES_ALL = 3 };

/* Read an array of blocks, or those of them; `name` is the array's. */
bool messages_read_blocks(struct reading *r, const struct json_value *list,
    const char *name, unsigned which);

bool messages_read_image(struct reading *r, const struct json_value *block);
bool messages_read_document(struct reading *r, const struct json_value *block);
bool messages_read_search_result(struct reading *r,
    const struct json_value *block);

/* Readers of one member of the request; false and wrong. */
bool messages_read_system(struct reading *r, const struct json_value *v);
bool messages_read_history(struct reading *r, const struct json_value *v);
bool messages_read_tools(struct reading *r, const struct json_value *v);
bool messages_read_choice(struct reading *r, const struct json_value *v);

/* The whole of it, as a caller_face's read. */
bool messages_read(struct turn *t, const struct json_value *root,
    const char **why);

/* A request being written. */
struct messages_writing {
	struct weave *w;
	const struct turn *t;
	unsigned marks_over; /* cache marks yet to leave out: the first ones */
};

/* A mark of a prompt cache as Messages says it; nothing when it is empty. */
void messages_put_mark(struct messages_writing *m, struct slice mark);

/* Is there nothing but white space between the quotes? */
bool messages_blank(struct slice raw);

/* The first message that is no system prompt, or NULL. */
const struct message *messages_first(const struct turn *t);

/*
 * The text that the base64 comes to, as a raw string; empty when it is none
 * or has no room in the arena.
 */
struct slice messages_text_of_base64(struct arena *arena, struct slice data);

/* The array "messages", from there on. */
void messages_write_history(struct messages_writing *m,
    const struct message *from);

/* A target_face's write, limits and hear. */
void messages_write(struct weave *out, const struct turn *t,
    const struct target_terms *terms);
void messages_limits(struct carry_list *beyond, const struct turn *t,
    const struct target_terms *terms);
void messages_hear(struct hearing *h, const struct json_value *root);
void messages_hear_whole(struct hearing *h, const struct json_value *root);
