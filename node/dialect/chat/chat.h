#pragma once
/*
 * chat: OpenAI Chat Completions, to callers and to providers.  Its pieces;
 * the faces themselves are declared in telling.h and target.h.  Pure.
 */
#include "node/dialect/target.h"
#include "node/dialect/telling.h"

/* A caller's request; false and *why, that names the field. */
must_check bool chat_read(struct turn *t, const struct json_value *root,
    const char **why);

/* Parts of it, by key. */
struct reading;
bool chat_read_messages(struct reading *r, const struct json_value *v);
bool chat_read_tools(struct reading *r, const struct json_value *v);
bool chat_read_functions(struct reading *r, const struct json_value *v);
bool chat_read_choice(struct reading *r, const struct json_value *v);
bool chat_read_call(struct reading *r, const struct json_value *v);

/* A request for a provider. */
void chat_write(struct weave *w, const struct turn *t,
    const struct target_terms *terms);
void chat_write_messages(struct weave *w, const struct turn *t,
    const struct target_terms *terms);
