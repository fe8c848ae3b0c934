#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

struct slice
messages_cache_mark(struct reading *r, const struct json_value *object)
{
	struct slice mark = raw_of(object, "cache_control");

	if (mark.len > 0)
		carry_note(&r->turn->carried, CARRY_CACHE_MARKS);
	return mark;
}

static bool
read_cap(struct reading *r, const struct json_value *v)
{
	if (!json_int(v, &r->turn->output_cap) || r->turn->output_cap < 0)
		return reading_wrong(r, "max_tokens", "must be an integer");
	if (r->turn->output_cap == 0)
		carry_note(&r->turn->carried, CARRY_CACHE_FILL);
	return true;
}

static bool
read_stream(struct reading *r, const struct json_value *v)
{
	r->turn->stream = v->type == JSON_TRUE;
	return r->turn->stream || v->type == JSON_FALSE ||
	       reading_wrong(r, "stream", "must be true or false");
}

static bool
read_stops(struct reading *r, const struct json_value *v)
{
	return reading_stops(r, "stop_sequences", v);
}

static bool
read_budget(struct reading *r, const struct json_value *thinking)
{
	int64_t *budget = &r->turn->thinking_budget;

	if (!json_int(json_find(thinking, "budget_tokens"), budget) ||
	    *budget < 1)
		return reading_wrong(r, "thinking.budget_tokens",
		    "must be a positive integer");
	carry_note(&r->turn->carried, CARRY_THINKING_BUDGET);
	/* An effort that is said in so many words counts for more. */
	if (r->turn->effort == EFFORT_UNSET)
		r->turn->effort = effort_of_budget(*budget);
	return true;
}

static bool
read_thinking(struct reading *r, const struct json_value *v)
{
	const struct json_value *type = json_find(v, "type");
	const struct json_value *display = json_find(v, "display");

	reading_note_others(r, v, "type budget_tokens display");
	if (display != NULL && display->type != JSON_NULL) {
		r->turn->thoughts_shown =
		    value_is(display, "summarized") ? TO_YES : TO_NO;
		carry_note(&r->turn->carried, CARRY_THOUGHTS_SHOWN);
	}
	if (value_is(type, "enabled"))
		return read_budget(r, v);
	r->turn->thinking_off = value_is(type, "disabled");
	if (r->turn->thinking_off || value_is(type, "adaptive") ||
	    value_is(type, "between_tools"))
		return true;
	return reading_wrong(r, "thinking.type",
	    "must be enabled, adaptive, between_tools or "
	    "disabled");
}

static bool
read_format(struct reading *r, const struct json_value *v)
{
	const struct json_value *schema = json_find(v, "schema");

	if (v->type == JSON_NULL)
		return true;
	if (!value_is(json_find(v, "type"), "json_schema") || schema == NULL ||
	    schema->type != JSON_OBJECT)
		return reading_wrong(r, "output_config.format",
		    "must have the type json_schema and a schema");
	reading_note_others(r, v, "type schema name description");
	r->turn->format = FORMAT_SCHEMA;
	r->turn->format_schema = schema->raw;
	r->turn->format_name = raw_of(v, "name");
	r->turn->format_description = raw_of(v, "description");
	return true;
}

static bool
read_config(struct reading *r, const struct json_value *v)
{
	const struct json_value *effort = json_find(v, "effort");
	const struct json_value *format = json_find(v, "format");

	reading_note_others(r, v, "effort format task_budget");
	if (raw_of(v, "task_budget").len > 0)
		carry_note(&r->turn->carried, CARRY_TASK_BUDGET);
	if (effort != NULL && effort->type != JSON_NULL) {
		r->turn->effort = effort_by_name(inside_of(effort));
		carry_note(&r->turn->carried, CARRY_EFFORT);
		if (r->turn->effort == EFFORT_UNSET)
			return reading_wrong(r, "output_config.effort",
			    "must be low, medium, high, xhigh or max");
	}
	return format == NULL || read_format(r, format);
}

static bool
read_metadata(struct reading *r, const struct json_value *v)
{
	const struct json_value *user = json_find(v, "user_id"), *member;

	if (user != NULL && user->type == JSON_STRING) {
		r->turn->user = user->raw;
		carry_note(&r->turn->carried, CARRY_USER);
	} else if (user != NULL && user->type != JSON_NULL) {
		return reading_wrong(r, "metadata.user_id", "must be a string");
	}
	for (member = v->first; member != NULL; member = member->next)
		if (member != user)
			carry_note(&r->turn->carried, CARRY_METADATA);
	return true;
}

/* "standard_only" is what others call default. */
static bool
read_tier(struct reading *r, const struct json_value *v)
{
	carry_note(&r->turn->carried, CARRY_SERVICE_TIER);
	r->turn->service_tier =
	    value_is(v, "standard_only") ? slice_of("\"default\"") : v->raw;
	return true;
}

static bool
read_context(struct reading *r, const struct json_value *v)
{
	const struct json_value *edits = json_find(v, "edits"), *edit;

	reading_note_others(r, v, "edits");
	edit = edits != NULL ? edits->first : NULL;
	for (; edit != NULL; edit = edit->next)
		carry_note(&r->turn->carried,
		    slice_starts(inside_of(json_find(edit, "type")), "clear_")
			? CARRY_CONTEXT_CLEARING
			: CARRY_CONTEXT_EDITS);
	return true;
}

/*
 * In the order of reading: the system prompt leads, a budget yields to an
 * effort, a choice is of the tools.
 */
/* clang-format off */
static const struct reading_key keys[] = {
	{ .name = "model", .read = reading_own },
	{ .name = "system", .read = messages_read_system },
	{ .name = "messages", .type = JSON_ARRAY, .read = messages_read_history },
	{ .name = "tools", .type = JSON_ARRAY, .read = messages_read_tools },
	{ .name = "tool_choice", .type = JSON_OBJECT, .read = messages_read_choice },
	{ .name = "max_tokens", .read = read_cap },
	{ .name = "stream", .read = read_stream },
	{ .name = "stop_sequences", .type = JSON_ARRAY, .read = read_stops, .plain = "[]" },
	{ .name = "temperature", .type = JSON_NUMBER, .offset = READING_AT(temperature), .carry = CARRY_TEMPERATURE },
	{ .name = "top_p", .type = JSON_NUMBER, .offset = READING_AT(top_p), .carry = CARRY_TOP_P },
	{ .name = "top_k", .type = JSON_NUMBER, .offset = READING_AT(top_k), .carry = CARRY_TOP_K },
	{ .name = "output_format", .type = JSON_OBJECT, .read = read_format },
	{ .name = "output_config", .type = JSON_OBJECT, .read = read_config },
	{ .name = "thinking", .type = JSON_OBJECT, .read = read_thinking },
	{ .name = "metadata", .type = JSON_OBJECT, .read = read_metadata },
	{ .name = "service_tier", .type = JSON_STRING, .read = read_tier, .plain = "\"auto\"" },
	{ .name = "speed", .carry = CARRY_SPEED, .plain = "\"standard\"" },
	{ .name = "context_management", .type = JSON_OBJECT, .read = read_context },
	{ .name = "cache_control", .carry = CARRY_CACHE_MARKS },
	{ .name = "inference_geo", .carry = CARRY_INFERENCE_GEO },
	{ .name = "container", .carry = CARRY_ACCOUNT_IDS },
	{ .name = "user_profile_id", .carry = CARRY_ACCOUNT_IDS },
	{ .name = "workspace_id", .carry = CARRY_ACCOUNT_IDS },
	{ .name = "diagnostics", .carry = CARRY_DIAGNOSTICS },
	{ .name = "mcp_servers", .carry = CARRY_HOSTED_TOOLS, .plain = "[]" },
	{ .name = "compaction", .carry = CARRY_COMPACTION },
	{ .name = "thread", .carry = CARRY_COMPACTION },
};
/* clang-format on */

bool
messages_read(struct turn *t, const struct json_value *root, const char **why)
{
	struct messages_reading m = { .reading.turn = t, .root = root };
	struct reading *r = &m.reading;
	bool right = reading_keys(r, root, keys, count_of(keys)) &&
		     (raw_of(root, "messages").len > 0 ||
			 reading_wrong(r, "messages", "must be an array"));

	*why = r->why;
	return right;
}
