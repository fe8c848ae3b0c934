#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

bool
messages_wrong(struct messages_reading *r, const char *what)
{
	bool itself = slice_starts(slice_of(what), "must ");
	const char *place = "";
	unsigned i;

	for (i = 0; i < r->depth; i++)
		place = arena_printf(r->t->arena, "%s%s%s[%zu]", place,
		    i > 0 ? "." : "", r->path[i].list, r->path[i].index);
	r->why = arena_printf(r->t->arena, "%s%s%s", place,
	    r->depth == 0 ? ""
	    : itself      ? " "
			  : ".",
	    what);
	return false;
}

struct slice
messages_cache_mark(struct messages_reading *r, const struct json_value *object)
{
	struct slice mark = raw_of(object, "cache_control");

	if (mark.len > 0)
		carry_note(&r->t->carried, CARRY_CACHE_MARKS);
	return mark;
}

/* Is the word among those, which have spaces between them? */
static bool
is_among(struct slice word, const char *words)
{
	const char *at = words, *end;

	for (;; at = end + 1) {
		end = strchr(at, ' ');
		if (end == NULL)
			return slice_is(word, at);
		if (slice_eq(word, slice_make(at, (size_t)(end - at))))
			return true;
	}
}

void
messages_note_strangers(struct messages_reading *r,
    const struct json_value *object, const char *known)
{
	const struct json_value *v;

	for (v = object->first; v != NULL; v = v->next)
		if (v->type != JSON_NULL && !is_among(v->name, known))
			carry_note_unknown(&r->t->carried, v->name);
}

static bool
read_cap(struct messages_reading *r, const struct json_value *v)
{
	if (!json_int(v, &r->t->output_cap) || r->t->output_cap < 0)
		return messages_wrong(r, "max_tokens must be an integer");
	if (r->t->output_cap == 0)
		carry_note(&r->t->carried, CARRY_CACHE_FILL);
	return true;
}

static bool
read_stream(struct messages_reading *r, const struct json_value *v)
{
	r->t->stream = v->type == JSON_TRUE;
	return r->t->stream || v->type == JSON_FALSE ||
	       messages_wrong(r, "stream must be true or false");
}

static bool
read_stops(struct messages_reading *r, const struct json_value *v)
{
	const struct json_value *stop;
	struct slice *stops;
	size_t n = 0;

	if (v->type != JSON_ARRAY)
		return messages_wrong(r, "stop_sequences must be an array");
	if (v->count == 0)
		return true;
	stops = arena_many(r->t->arena, struct slice, v->count);
	for (stop = v->first; stop != NULL; stop = stop->next) {
		if (stop->type != JSON_STRING)
			return messages_wrong(r,
			    "stop_sequences must be strings");
		stops[n++] = stop->raw;
	}
	r->t->stops = stops;
	r->t->stops_count = n;
	carry_note(&r->t->carried, CARRY_STOP);
	return true;
}

static bool
read_number(struct messages_reading *r, const struct json_value *v,
    enum carry feature, struct slice *to)
{
	if (v->type != JSON_NUMBER)
		return messages_wrong(r,
		    "temperature, top_p and top_k must be numbers");
	*to = v->raw;
	carry_note(&r->t->carried, feature);
	return true;
}

static bool
read_temperature(struct messages_reading *r, const struct json_value *v)
{
	return read_number(r, v, CARRY_TEMPERATURE, &r->t->temperature);
}

static bool
read_top_p(struct messages_reading *r, const struct json_value *v)
{
	return read_number(r, v, CARRY_TOP_P, &r->t->top_p);
}

static bool
read_top_k(struct messages_reading *r, const struct json_value *v)
{
	return read_number(r, v, CARRY_TOP_K, &r->t->top_k);
}

static bool
read_budget(struct messages_reading *r, const struct json_value *thinking)
{
	int64_t *budget = &r->t->thinking_budget;

	if (!json_int(json_find(thinking, "budget_tokens"), budget) ||
	    *budget < 1)
		return messages_wrong(r,
		    "thinking.budget_tokens must be a positive integer");
	carry_note(&r->t->carried, CARRY_THINKING_BUDGET);
	/* An effort that is said in so many words counts for more. */
	if (r->t->effort == EFFORT_UNSET)
		r->t->effort = effort_of_budget(*budget);
	return true;
}

static bool
read_thinking(struct messages_reading *r, const struct json_value *v)
{
	const struct json_value *type = json_find(v, "type");
	const struct json_value *display = json_find(v, "display");

	messages_note_strangers(r, v, "type budget_tokens display");
	if (display != NULL && display->type != JSON_NULL) {
		r->t->thoughts_shown =
		    value_is(display, "summarized") ? TO_YES : TO_NO;
		carry_note(&r->t->carried, CARRY_THOUGHTS_SHOWN);
	}
	if (value_is(type, "enabled"))
		return read_budget(r, v);
	r->t->thinking_off = value_is(type, "disabled");
	if (r->t->thinking_off || value_is(type, "adaptive") ||
	    value_is(type, "between_tools"))
		return true;
	return messages_wrong(r, "thinking.type must be enabled, adaptive, "
				 "between_tools or disabled");
}

static bool
read_format(struct messages_reading *r, const struct json_value *v)
{
	const struct json_value *schema = json_find(v, "schema");

	if (v->type == JSON_NULL)
		return true;
	if (!value_is(json_find(v, "type"), "json_schema") || schema == NULL ||
	    schema->type != JSON_OBJECT)
		return messages_wrong(r, "output_config.format must have the "
					 "type json_schema and a schema");
	messages_note_strangers(r, v, "type schema name description");
	r->t->format = FORMAT_SCHEMA;
	r->t->format_schema = schema->raw;
	r->t->format_name = raw_of(v, "name");
	r->t->format_description = raw_of(v, "description");
	return true;
}

static bool
read_config(struct messages_reading *r, const struct json_value *v)
{
	const struct json_value *effort = json_find(v, "effort");
	const struct json_value *format = json_find(v, "format");

	messages_note_strangers(r, v, "effort format task_budget");
	if (raw_of(v, "task_budget").len > 0)
		carry_note(&r->t->carried, CARRY_TASK_BUDGET);
	if (effort != NULL && effort->type != JSON_NULL) {
		r->t->effort = effort_by_name(inside_of(effort));
		carry_note(&r->t->carried, CARRY_EFFORT);
		if (r->t->effort == EFFORT_UNSET)
			return messages_wrong(r, "output_config.effort must be "
						 "low, medium, high, xhigh or "
						 "max");
	}
	return format == NULL || read_format(r, format);
}

static bool
read_metadata(struct messages_reading *r, const struct json_value *v)
{
	const struct json_value *user = json_find(v, "user_id"), *member;

	if (user != NULL && user->type == JSON_STRING) {
		r->t->user = user->raw;
		carry_note(&r->t->carried, CARRY_USER);
	} else if (user != NULL && user->type != JSON_NULL) {
		return messages_wrong(r, "metadata.user_id must be a string");
	}
	for (member = v->first; member != NULL; member = member->next)
		if (member != user)
			carry_note(&r->t->carried, CARRY_METADATA);
	return true;
}

/* "auto" is the default; "standard_only" is what others call default. */
static bool
read_tier(struct messages_reading *r, const struct json_value *v)
{
	if (v->type != JSON_STRING)
		return messages_wrong(r, "service_tier must be a string");
	if (value_is(v, "auto"))
		return true;
	carry_note(&r->t->carried, CARRY_SERVICE_TIER);
	r->t->service_tier =
	    value_is(v, "standard_only") ? slice_of("\"default\"") : v->raw;
	return true;
}

static bool
read_speed(struct messages_reading *r, const struct json_value *v)
{
	if (!value_is(v, "standard"))
		carry_note(&r->t->carried, CARRY_SPEED);
	return true;
}

static bool
read_context(struct messages_reading *r, const struct json_value *v)
{
	const struct json_value *edits = json_find(v, "edits"), *edit;

	messages_note_strangers(r, v, "edits");
	edit = edits != NULL ? edits->first : NULL;
	for (; edit != NULL; edit = edit->next)
		carry_note(&r->t->carried,
		    slice_starts(inside_of(json_find(edit, "type")), "clear_")
			? CARRY_CONTEXT_CLEARING
			: CARRY_CONTEXT_EDITS);
	return true;
}

#define ANY_TYPE (-1)

/*
 * In the order of reading: the system prompt leads, a budget yields to an
 * effort, a choice is of the tools.  With no reader it is only noted.
 */
static const struct field {
	const char *name;
	int type; /* an enum json_type, or ANY_TYPE */
	bool (*read)(struct messages_reading *r, const struct json_value *v);
	enum carry feature;
} fields[] = {
	{ "system", ANY_TYPE, messages_read_system, 0 },
	{ "messages", ANY_TYPE, messages_read_history, 0 },
	{ "tools", ANY_TYPE, messages_read_tools, 0 },
	{ "tool_choice", JSON_OBJECT, messages_read_choice, 0 },
	{ "max_tokens", ANY_TYPE, read_cap, 0 },
	{ "stream", ANY_TYPE, read_stream, 0 },
	{ "stop_sequences", ANY_TYPE, read_stops, 0 },
	{ "temperature", ANY_TYPE, read_temperature, 0 },
	{ "top_p", ANY_TYPE, read_top_p, 0 },
	{ "top_k", ANY_TYPE, read_top_k, 0 },
	{ "output_format", JSON_OBJECT, read_format, 0 },
	{ "output_config", JSON_OBJECT, read_config, 0 },
	{ "thinking", JSON_OBJECT, read_thinking, 0 },
	{ "metadata", JSON_OBJECT, read_metadata, 0 },
	{ "service_tier", ANY_TYPE, read_tier, 0 },
	{ "speed", ANY_TYPE, read_speed, 0 },
	{ "context_management", JSON_OBJECT, read_context, 0 },
	{ "cache_control", ANY_TYPE, NULL, CARRY_CACHE_MARKS },
	{ "inference_geo", ANY_TYPE, NULL, CARRY_INFERENCE_GEO },
	{ "container", ANY_TYPE, NULL, CARRY_ACCOUNT_IDS },
	{ "user_profile_id", ANY_TYPE, NULL, CARRY_ACCOUNT_IDS },
	{ "workspace_id", ANY_TYPE, NULL, CARRY_ACCOUNT_IDS },
	{ "diagnostics", ANY_TYPE, NULL, CARRY_DIAGNOSTICS },
	{ "mcp_servers", ANY_TYPE, NULL, CARRY_HOSTED_TOOLS },
	{ "compaction", ANY_TYPE, NULL, CARRY_COMPACTION },
	{ "thread", ANY_TYPE, NULL, CARRY_COMPACTION },
};

static bool
read_field(struct messages_reading *r, const struct field *f)
{
	const struct json_value *v = json_find(r->root, f->name);

	if (v == NULL || v->type == JSON_NULL)
		return true;
	if (f->type != ANY_TYPE && (int)v->type != f->type)
		return messages_wrong(r,
		    arena_printf(r->t->arena, "%s must be an object", f->name));
	if (f->read != NULL)
		return f->read(r, v);
	if (v->type != JSON_ARRAY || v->count > 0)
		carry_note(&r->t->carried, f->feature);
	return true;
}

static bool
is_known(struct slice name)
{
	size_t i;

	for (i = 0; i < count_of(fields); i++)
		if (slice_is(name, fields[i].name))
			return true;
	return slice_is(name, "model");
}

bool
messages_read(struct turn *t, const struct json_value *root, const char **why)
{
	struct messages_reading r = { .t = t, .root = root };
	const struct json_value *v;
	size_t i;

	for (i = 0; i < count_of(fields); i++) {
		if (read_field(&r, &fields[i]))
			continue;
		*why = r.why;
		return false;
	}
	for (v = root->first; v != NULL; v = v->next)
		if (v->type != JSON_NULL && !is_known(v->name))
			carry_note_unknown(&t->carried, v->name);
	if (raw_of(root, "messages").len > 0)
		return true;
	*why = "messages must be an array";
	return false;
}
