/* `reasoning` and `text`, which stand at the top and in items of the input. */
#include "common/format/json.h"
#include "node/dialect/responses/asking.h"

static bool
read_effort(struct reading *r, const struct json_value *v)
{
	struct slice raw;

	if (!reading_string(r, v, "effort", &raw))
		return reading_wrong(r, "reasoning.effort", "must be a string");
	if (raw.len == 0)
		return true;
	r->turn->effort = effort_by_name(raw_inside(raw));
	if (r->turn->effort == EFFORT_UNSET)
		return reading_wrong(r, "reasoning.effort",
		    "must be none, minimal, low, medium, high, xhigh or max");
	carry_note(&r->turn->carried, CARRY_EFFORT);
	return true;
}

static bool
read_summary(struct reading *r, const struct json_value *v, const char *name)
{
	struct slice raw;

	if (!reading_string(r, v, name, &raw))
		return reading_wrong(r, "reasoning.summary",
		    "must be a string");
	if (raw.len == 0)
		return true;
	r->turn->thoughts_shown = raw_is(raw, "none") ? TO_NO : TO_YES;
	carry_note(&r->turn->carried, CARRY_THOUGHTS_SHOWN);
	return true;
}

bool
asking_reasoning(struct reading *r, const struct json_value *v)
{
	struct slice context, mode;

	if (v->type != JSON_OBJECT)
		return reading_wrong(r, "reasoning", "must be an object");
	context = raw_of(v, "context");
	if (context.len > 0 && !raw_is(context, "auto"))
		carry_note(&r->turn->carried, CARRY_REASONING_CONTEXT);
	mode = raw_of(v, "mode");
	if (mode.len > 0 && !raw_is(mode, "standard"))
		carry_note(&r->turn->carried, CARRY_REASONING_MODE);
	reading_note_others(r, v,
	    "effort summary generate_summary context mode");
	return read_effort(r, v) && read_summary(r, v, "generate_summary") &&
	       read_summary(r, v, "summary");
}

static bool
read_schema(struct reading *r, const struct json_value *format)
{
	const struct json_value *schema = json_find(format, "schema");
	struct turn *t = r->turn;

	if (schema == NULL || schema->type != JSON_OBJECT)
		return reading_wrong(r, "text.format.schema",
		    "must be an object");
	t->format = FORMAT_SCHEMA;
	t->format_schema = schema->raw;
	t->format_strict = raw_of(format, "strict");
	if (!reading_string(r, format, "name", &t->format_name) ||
	    !reading_string(r, format, "description", &t->format_description))
		return reading_wrong(r, "text.format",
		    "must have a name and a description that are strings");
	return true;
}

static bool
read_format(struct reading *r, const struct json_value *format)
{
	const struct json_value *type = json_find(format, "type");

	if (format == NULL || format->type == JSON_NULL)
		return true;
	if (value_is(type, "json_schema"))
		return read_schema(r, format);
	if (value_is(type, "json_object")) {
		r->turn->format = FORMAT_JSON;
		carry_note(&r->turn->carried, CARRY_JSON_OBJECT);
		return true;
	}
	r->turn->format = FORMAT_TEXT;
	if (!value_is(type, "text"))
		return reading_wrong(r, "text.format.type",
		    "must be text, json_object or json_schema");
	return true;
}

bool
asking_text(struct reading *r, const struct json_value *v)
{
	struct slice verbosity;

	if (v->type != JSON_OBJECT)
		return reading_wrong(r, "text", "must be an object");
	if (!reading_string(r, v, "verbosity", &verbosity))
		return reading_wrong(r, "text.verbosity", "must be a string");
	if (verbosity.len > 0 && !raw_is(verbosity, "medium"))
		carry_note(&r->turn->carried, CARRY_VERBOSITY);
	if (verbosity.len > 0)
		r->turn->verbosity = verbosity;
	reading_note_others(r, v, "format verbosity");
	return read_format(r, json_find(v, "format"));
}
