#include "topology/schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/format/json.h"
#include "topology/commands.h"
#include "topology/grammar.h"
#include "topology/review.h"

#define SCHEMA_BYTES_MAX ((size_t)1024 * 1024)

static const struct {
	const char *name;
	const struct table *table;
} kinds[] = { { "mesh", &mesh_table }, { "node", &node_table },
	{ "egress", &egress_table } };

const struct table *
schema_kind(struct slice name)
{
	size_t i;

	for (i = 0; i < count_of(kinds); i++)
		if (slice_is(name, kinds[i].name))
			return kinds[i].table;
	return NULL;
}

static void
field(struct json_writer *w, const char *name, const char *text)
{
	json_field_text(w, name, slice_of(text));
}

static void
put_words(struct json_writer *w, const struct value_spec *spec)
{
	size_t i;

	json_key(w, "enum");
	json_open(w, '[');
	for (i = 0; spec->word(i) != NULL; i++)
		json_put_text(w, slice_of(spec->word(i)));
	json_close(w, ']');
}

static void
put_range(struct json_writer *w, const struct keyword *k)
{
	if (k->min == 0 && k->max == 0)
		return;
	json_field_int(w, "minimum", k->min);
	json_field_int(w, "maximum", k->max);
}

/* A number from 0 to 1, or a text with a percent sign. */
static void
put_share(struct json_writer *w, const struct keyword *k)
{
	json_key(w, "anyOf");
	json_open(w, '[');
	json_open(w, '{');
	field(w, "type", "number");
	json_field_int(w, "minimum", 0);
	json_field_int(w, "maximum", 1);
	json_close(w, '}');
	json_open(w, '{');
	field(w, "type", "string");
	field(w, "pattern", value_spec(k->type)->pattern);
	json_close(w, '}');
	json_close(w, ']');
}

/* The members of a scalar's schema; ranges of units are not expressible. */
static void
put_scalar(struct json_writer *w, const struct keyword *k)
{
	const struct value_spec *spec = value_spec(k->type);

	switch (k->type) {
	case VALUE_INT:
		field(w, "type", "integer");
		put_range(w, k);
		break;
	case VALUE_PRICE:
	case VALUE_WEIGHT:
		field(w, "type", "number");
		json_field_int(w, "minimum", 0);
		break;
	case VALUE_MONEY:
		field(w, "type", "number");
		json_field_int(w, k->min > 0 ? "exclusiveMinimum" : "minimum",
		    0);
		break;
	case VALUE_SHARE:
		put_share(w, k);
		break;
	case VALUE_SWITCH:
		field(w, "type", "boolean");
		break;
	default:
		if (spec->pattern == NULL) {
			put_words(w, spec);
			break;
		}
		field(w, "type", "string");
		field(w, "pattern", spec->pattern);
	}
}

static void put_table(struct json_writer *w, const struct table *table);

/* A mapping, or its first key's value in short. */
static void
put_record(struct json_writer *w, const struct table *table)
{
	json_key(w, "anyOf");
	json_open(w, '[');
	json_open(w, '{');
	put_scalar(w, &table->keywords[0]);
	json_close(w, '}');
	json_open(w, '{');
	put_table(w, table);
	json_close(w, '}');
	json_close(w, ']');
}

static void
put_list(struct json_writer *w, const struct keyword *k)
{
	field(w, "type", "array");
	if (!k->empty)
		json_field_int(w, "minItems", 1);
	if (k->items_max > 0)
		json_field_int(w, "maxItems", (int64_t)k->items_max);
	json_field_bool(w, "uniqueItems", true);
	json_key(w, "items");
	json_open(w, '{');
	if (k->table != NULL)
		put_record(w, k->table);
	else
		put_scalar(w, k);
	json_close(w, '}');
}

static void
put_map(struct json_writer *w, const struct keyword *k)
{
	const struct table *table = k->table;

	field(w, "type", "object");
	json_field_int(w, "minProperties", 1);
	json_key(w, "propertyNames");
	json_open(w, '{');
	field(w, "pattern",
	    value_spec(table != NULL ? table->key_type : VALUE_NAME)->pattern);
	json_close(w, '}');
	json_key(w, "additionalProperties");
	json_open(w, '{');
	if (table != NULL)
		put_table(w, table);
	else
		put_scalar(w, k);
	json_close(w, '}');
}

/* Is it written in JSON as in a file, without quotes? */
static bool
is_bare(enum value_type type)
{
	return type == VALUE_INT || type == VALUE_PRICE ||
	       type == VALUE_WEIGHT || type == VALUE_MONEY ||
	       type == VALUE_SWITCH;
}

static void
put_default(struct json_writer *w, const struct keyword *k)
{
	json_key(w, "default");
	if (k->form == FORM_SET)
		json_open(w, '[');
	if (is_bare(k->type))
		json_put_raw(w, slice_of(k->fallback));
	else
		json_put_text(w, slice_of(k->fallback));
	if (k->form == FORM_SET)
		json_close(w, ']');
}

static void
put_keyword(struct json_writer *w, const struct keyword *k)
{
	json_key(w, k->name);
	json_open(w, '{');
	field(w, "description", k->help);
	if (k->fallback != NULL)
		put_default(w, k);
	if (k->form == FORM_LIST || k->form == FORM_SET)
		put_list(w, k);
	else if (k->form == FORM_MAP)
		put_map(w, k);
	else if (k->table != NULL)
		put_table(w, k->table);
	else
		put_scalar(w, k);
	json_close(w, '}');
}

static void
put_required(struct json_writer *w, const struct table *table)
{
	size_t i;

	json_key(w, "required");
	json_open(w, '[');
	for (i = 0; i < table->count; i++)
		if (table->keywords[i].required)
			json_put_text(w, slice_of(table->keywords[i].name));
	json_close(w, ']');
}

static void
put_table(struct json_writer *w, const struct table *table)
{
	size_t i;

	field(w, "type", "object");
	json_field_bool(w, "additionalProperties", false);
	if (table->some)
		json_field_int(w, "minProperties", 1);
	put_required(w, table);
	json_key(w, "properties");
	json_open(w, '{');
	for (i = 0; i < table->count; i++)
		if (!table->keywords[i].later)
			put_keyword(w, &table->keywords[i]);
	json_close(w, '}');
}

void
schema_put(struct buf *out, const struct table *table)
{
	struct json_writer w = { .out = out };

	json_open(&w, '{');
	field(&w, "$schema", "http://json-schema.org/draft-07/schema#");
	field(&w, "title", table->name);
	put_table(&w, table);
	json_close(&w, '}');
}

static int
schema(const void *options, int count, char *const *operands)
{
	const struct table *table = schema_kind(slice_of(operands[0]));
	struct buf text;

	(void)options;
	(void)count;
	if (table == NULL) {
		fprintf(stderr,
		    "there is no kind of file '%s': mesh, node or egress\n",
		    operands[0]);
		return 2;
	}
	buf_init(&text, SCHEMA_BYTES_MAX);
	schema_put(&text, table);
	buf_putc(&text, '\n');
	say(&text);
	buf_fini(&text);
	return EXIT_SUCCESS;
}

const struct command schema_command = {
	.name = "schema",
	.operands = "mesh|node|egress",
	.summary = "print the JSON Schema of a kind of file, for editors",
	.text = "Draft-07. Save it beside the folder and begin the files "
		"with\n"
		"  # yaml-language-server: $schema=../node.schema.json",
	.operands_min = 1,
	.operands_max = 1,
	.run = schema,
};
