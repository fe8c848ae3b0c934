/* `reasoning` and `text`, which stand at the top and in items of the input. */
#include "common/format/json.h"
#include "node/dialect/responses/asking.h"

/* Members that are not of this list are noted by their names. */
static void
note_others(struct asking *a, const struct json_value *object,
    const char *const *known)
{
	const struct json_value *v;
	size_t i;

	for (v = object->first; v != NULL; v = v->next) {
		for (i = 0; known[i] != NULL; i++)
			if (slice_is(v->name, known[i]))
				break;
		if (known[i] == NULL && v->type != JSON_NULL)
			carry_note_unknown(&a->t->carried, v->name);
	}
}

static bool
read_effort(struct asking *a, const struct json_value *v)
{
	struct slice raw;

	if (!asking_string(a, v, "effort", &raw))
		return asking_wrong(a, "reasoning.effort", "must be a string");
	if (raw.len == 0)
		return true;
	a->t->effort = effort_by_name(raw_inside(raw));
	if (a->t->effort == EFFORT_UNSET)
		return asking_wrong(a, "reasoning.effort",
		    "must be none, minimal, low, medium, high, xhigh or max");
	carry_note(&a->t->carried, CARRY_EFFORT);
	return true;
}

static bool
read_summary(struct asking *a, const struct json_value *v, const char *name)
{
	struct slice raw;

	if (!asking_string(a, v, name, &raw))
		return asking_wrong(a, "reasoning.summary", "must be a string");
	if (raw.len == 0)
		return true;
	a->t->thoughts_shown = raw_is(raw, "none") ? TO_NO : TO_YES;
	carry_note(&a->t->carried, CARRY_THOUGHTS_SHOWN);
	return true;
}

bool
asking_reasoning(struct asking *a, const struct json_value *v)
{
	static const char *const known[] = { "effort", "summary",
		"generate_summary", "context", "mode", NULL };
	struct slice context, mode;

	if (v->type != JSON_OBJECT)
		return asking_wrong(a, "reasoning", "must be an object");
	context = raw_of(v, "context");
	if (context.len > 0 && !raw_is(context, "auto"))
		carry_note(&a->t->carried, CARRY_REASONING_CONTEXT);
	mode = raw_of(v, "mode");
	if (mode.len > 0 && !raw_is(mode, "standard"))
		carry_note(&a->t->carried, CARRY_REASONING_MODE);
	note_others(a, v, known);
	return read_effort(a, v) && read_summary(a, v, "generate_summary") &&
	       read_summary(a, v, "summary");
}

static bool
read_schema(struct asking *a, const struct json_value *format)
{
	const struct json_value *schema = json_find(format, "schema");
	struct turn *t = a->t;

	if (schema == NULL || schema->type != JSON_OBJECT)
		return asking_wrong(a, "text.format.schema",
		    "must be an object");
	t->format = FORMAT_SCHEMA;
	t->format_schema = schema->raw;
	t->format_strict = raw_of(format, "strict");
	if (!asking_string(a, format, "name", &t->format_name) ||
	    !asking_string(a, format, "description", &t->format_description))
		return asking_wrong(a, "text.format",
		    "must have a name and a description that are strings");
	return true;
}

static bool
read_format(struct asking *a, const struct json_value *format)
{
	const struct json_value *type = json_find(format, "type");

	if (format == NULL || format->type == JSON_NULL)
		return true;
	if (value_is(type, "json_schema"))
		return read_schema(a, format);
	if (value_is(type, "json_object")) {
		a->t->format = FORMAT_JSON;
		carry_note(&a->t->carried, CARRY_JSON_OBJECT);
		return true;
	}
	a->t->format = FORMAT_TEXT;
	if (!value_is(type, "text"))
		return asking_wrong(a, "text.format.type",
		    "must be text, json_object or json_schema");
	return true;
}

bool
asking_text(struct asking *a, const struct json_value *v)
{
	static const char *const known[] = { "format", "verbosity", NULL };
	struct slice verbosity;

	if (v->type != JSON_OBJECT)
		return asking_wrong(a, "text", "must be an object");
	if (!asking_string(a, v, "verbosity", &verbosity))
		return asking_wrong(a, "text.verbosity", "must be a string");
	if (verbosity.len > 0 && !raw_is(verbosity, "medium"))
		carry_note(&a->t->carried, CARRY_VERBOSITY);
	if (verbosity.len > 0)
		a->t->verbosity = verbosity;
	note_others(a, v, known);
	return read_format(a, json_find(v, "format"));
}
