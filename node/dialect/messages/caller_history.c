#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

#define BILLING_HEADER "x-anthropic-billing-header"

static bool
is_billing_header(const struct json_value *block)
{
	return slice_starts(inside_of(json_find(block, "text")),
	    BILLING_HEADER);
}

bool
messages_read_system(struct reading *r, const struct json_value *v)
{
	struct messages_reading *m = messages_of(r);
	struct json_value rest;

	m->role = TURN_SYSTEM;
	m->message = NULL;
	if (is_text(v)) {
		messages_add_text(r, v->raw, slice_make(NULL, 0));
		return true;
	}
	if (v->type != JSON_ARRAY)
		return reading_wrong(r, "system",
		    "must be a string or an array");
	rest = *v;
	if (is_billing_header(v->first)) {
		carry_note(&r->turn->carried, CARRY_BILLING_HEADER);
		rest.first = v->first->next;
	}
	return messages_read_blocks(r, &rest, "system", MESSAGES_ALL);
}

/* Claude Code says the effort again with its late system message. */
static void
note_own_effort(struct reading *r, const struct json_value *config)
{
	const struct json_value *all =
	    json_find(messages_of(r)->root, "output_config");

	reading_note_others(r, config, "effort");
	if (!slice_eq(raw_of(config, "effort"), raw_of(all, "effort")))
		carry_note(&r->turn->carried, CARRY_OWN_EFFORT);
}

static bool
read_role(struct reading *r, const struct json_value *message)
{
	struct messages_reading *m = messages_of(r);
	const struct json_value *role = json_find(message, "role");

	if (value_is(role, "user"))
		m->role = TURN_USER;
	else if (value_is(role, "assistant"))
		m->role = TURN_ASSISTANT;
	else if (value_is(role, "system"))
		m->role = TURN_SYSTEM;
	else
		return reading_wrong(r, "role",
		    "must be user, assistant or system");
	if (m->role != TURN_SYSTEM)
		m->spoken = true;
	else if (m->spoken)
		carry_note(&r->turn->carried, CARRY_LATE_SYSTEM);
	return true;
}

static bool
read_message(struct reading *r, const struct json_value *message)
{
	struct messages_reading *m = messages_of(r);
	const struct json_value *content = json_find(message, "content");
	const struct json_value *config = json_find(message, "output_config");

	m->message = NULL;
	if (!is_object(message))
		return reading_wrong(r, NULL, "must be an object");
	if (!read_role(r, message))
		return false;
	reading_note_others(r, message, "role content output_config");
	if (is_object(config))
		note_own_effort(r, config);
	if (is_text(content)) {
		messages_add_text(r, content->raw, slice_make(NULL, 0));
		return true;
	}
	if (content == NULL || content->type != JSON_ARRAY)
		return reading_wrong(r, "content",
		    "must be a string or an array");
	if (m->role != TURN_USER)
		return messages_read_blocks(r, content, "content",
		    MESSAGES_ALL);
	return messages_read_blocks(r, content, "content", MESSAGES_RESULTS) &&
	       messages_read_blocks(r, content, "content", MESSAGES_OTHERS);
}

static void
note_prefill(struct reading *r)
{
	const struct part *p;

	if (r->turn->last == NULL || r->turn->last->role != TURN_ASSISTANT)
		return;
	for (p = r->turn->last->parts; p != NULL; p = p->next)
		if (p->kind == PART_CALL)
			return;
	carry_note(&r->turn->carried, CARRY_PREFILL);
}

bool
messages_read_history(struct reading *r, const struct json_value *v)
{
	const struct json_value *message;

	for (message = reading_first(r, "messages", v); message != NULL;
	     message = reading_next(r, message))
		if (!read_message(r, message))
			return false;
	note_prefill(r);
	return true;
}
