#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

#define BILLING_HEADER "x-anthropic-billing-header"

static bool
is_text(const struct json_value *v)
{
	return v != NULL && v->type == JSON_STRING;
}

static bool
is_object(const struct json_value *v)
{
	return v != NULL && v->type == JSON_OBJECT;
}

static bool
is_billing_header(const struct json_value *block)
{
	return slice_starts(inside_of(json_find(block, "text")),
	    BILLING_HEADER);
}

bool
messages_read_system(struct messages_reading *r, const struct json_value *v)
{
	struct json_value rest;

	r->role = TURN_SYSTEM;
	r->message = NULL;
	if (is_text(v)) {
		messages_add_text(r, v->raw, slice_make(NULL, 0));
		return true;
	}
	if (v->type != JSON_ARRAY)
		return messages_wrong(r, "system must be a string or an array");
	rest = *v;
	if (is_billing_header(v->first)) {
		carry_note(&r->t->carried, CARRY_BILLING_HEADER);
		rest.first = v->first->next;
	}
	return messages_read_blocks(r, &rest, "system", MESSAGES_ALL);
}

/* Claude Code says the effort again with its late system message. */
static void
note_own_effort(struct messages_reading *r, const struct json_value *config)
{
	const struct json_value *all = json_find(r->root, "output_config");

	messages_note_strangers(r, config, "effort");
	if (!slice_eq(raw_of(config, "effort"), raw_of(all, "effort")))
		carry_note(&r->t->carried, CARRY_OWN_EFFORT);
}

static bool
read_role(struct messages_reading *r, const struct json_value *message)
{
	const struct json_value *role = json_find(message, "role");

	if (value_is(role, "user"))
		r->role = TURN_USER;
	else if (value_is(role, "assistant"))
		r->role = TURN_ASSISTANT;
	else if (value_is(role, "system"))
		r->role = TURN_SYSTEM;
	else
		return messages_wrong(r,
		    "role must be user, assistant or system");
	if (r->role != TURN_SYSTEM)
		r->spoken = true;
	else if (r->spoken)
		carry_note(&r->t->carried, CARRY_LATE_SYSTEM);
	return true;
}

static bool
read_message(struct messages_reading *r, const struct json_value *message)
{
	const struct json_value *content = json_find(message, "content");
	const struct json_value *config = json_find(message, "output_config");

	r->message = NULL;
	if (!is_object(message))
		return messages_wrong(r, "must be an object");
	if (!read_role(r, message))
		return false;
	messages_note_strangers(r, message, "role content output_config");
	if (is_object(config))
		note_own_effort(r, config);
	if (is_text(content)) {
		messages_add_text(r, content->raw, slice_make(NULL, 0));
		return true;
	}
	if (content == NULL || content->type != JSON_ARRAY)
		return messages_wrong(r,
		    "content must be a string or an array");
	if (r->role != TURN_USER)
		return messages_read_blocks(r, content, "content",
		    MESSAGES_ALL);
	return messages_read_blocks(r, content, "content", MESSAGES_RESULTS) &&
	       messages_read_blocks(r, content, "content", MESSAGES_OTHERS);
}

static void
note_prefill(struct messages_reading *r)
{
	const struct part *p;

	if (r->t->last == NULL || r->t->last->role != TURN_ASSISTANT)
		return;
	for (p = r->t->last->parts; p != NULL; p = p->next)
		if (p->kind == PART_CALL)
			return;
	carry_note(&r->t->carried, CARRY_PREFILL);
}

bool
messages_read_history(struct messages_reading *r, const struct json_value *v)
{
	const struct json_value *message;

	if (v->type != JSON_ARRAY)
		return messages_wrong(r, "messages must be an array");
	r->depth = 1;
	r->path[0] = (struct messages_place){ "messages", 0 };
	for (message = v->first; message != NULL; message = message->next) {
		if (!read_message(r, message))
			return false;
		r->path[0].index++;
	}
	r->depth = 0;
	note_prefill(r);
	return true;
}
