#include "topology/reference.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/llm/quirk.h"
#include "topology/commands.h"
#include "topology/grammar.h"
#include "topology/preset.h"
#include "topology/review.h"

#define REFERENCE_BYTES_MAX ((size_t)1024 * 1024)
#define PATH_CHARS_MAX      256

/* Rows of one file, as they are written. */
struct rows {
	struct buf *out;
	const char *word;
	const char *title; /* until the first row of the file */
};

static void
put_words(struct buf *out, const struct value_spec *spec)
{
	size_t i;

	for (i = 0; spec->word(i) != NULL; i++)
		buf_printf(out, "%s`%s`", i > 0 ? ", " : "", spec->word(i));
}

/* A mapping whose keys are numbers. */
static bool
is_numbered(const struct keyword *k)
{
	return k->form == FORM_MAP && k->table != NULL &&
	       k->table->key_type == VALUE_INT;
}

static void
put_takes(struct buf *out, const struct keyword *k)
{
	const struct value_spec *spec = value_spec(k->type);
	char min[VALUE_NUMBER_CHARS], max[VALUE_NUMBER_CHARS];

	if (k->table != NULL) {
		buf_puts(out, is_numbered(k)        ? "a mapping of numbers"
			      : k->form == FORM_MAP ? "a mapping of names"
			      : k->form == FORM_LIST
				  ? "a list: names or mappings"
				  : "a mapping");
		return;
	}
	if (k->form == FORM_LIST || k->form == FORM_SET)
		buf_puts(out, "a list: ");
	else if (k->form == FORM_MAP)
		buf_puts(out, "a mapping of names to a ");
	if (spec->pattern == NULL)
		put_words(out, spec);
	else
		buf_printf(out, "%s: %s", spec->name, spec->write);
	if (k->min == 0 && k->max == 0)
		return;
	value_write_number(k->type, k->min, min);
	value_write_number(k->type, k->max, max);
	buf_printf(out, "; %s to %s", min, max);
}

static void
put_row(struct rows *rows, const char *path, const struct keyword *k)
{
	struct buf *out = rows->out;

	if (rows->word != NULL && strstr(path, rows->word) == NULL)
		return;
	if (rows->title != NULL)
		buf_printf(out,
		    "## %s\n\n| key | takes | else | meaning |\n"
		    "|---|---|---|---|\n",
		    rows->title);
	rows->title = NULL;
	buf_printf(out, "| `%s` | ", path);
	if (k->later)
		buf_puts(out, "*not acted on yet*");
	else
		put_takes(out, k);
	buf_printf(out, " | %s | %s |\n",
	    k->required           ? "required"
	    : k->fallback != NULL ? k->fallback
				  : "",
	    k->help);
}

static void
put_table(struct rows *rows, const char *prefix, const struct table *table)
{
	char path[PATH_CHARS_MAX], inner[PATH_CHARS_MAX + 8];
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct keyword *k = &table->keywords[i];

		snprintf(path, sizeof(path), "%s%s", prefix, k->name);
		put_row(rows, path, k);
		if (k->table == NULL)
			continue;
		snprintf(inner, sizeof(inner), "%s%s.", path,
		    is_numbered(k)         ? ".N"
		    : k->form == FORM_MAP  ? ".NAME"
		    : k->form == FORM_LIST ? "[]"
					   : "");
		put_table(rows, inner, k->table);
	}
}

/* The names of a set's bits, with commas. */
static void
put_bits(struct buf *out, unsigned bits, const char *(*name)(size_t i))
{
	const char *comma = "";
	size_t i;

	for (i = 0; name(i) != NULL; i++) {
		if ((bits & (1u << i)) == 0)
			continue;
		buf_printf(out, "%s%s", comma, name(i));
		comma = ", ";
	}
}

static void
put_meanings(struct buf *out, const char *title, const char *(*name)(size_t i),
    const char *(*meaning)(size_t i))
{
	size_t i;

	buf_printf(out, "\n| %s | meaning |\n|---|---|\n", title);
	for (i = 0; name(i) != NULL; i++)
		buf_printf(out, "| `%s` | %s |\n", name(i), meaning(i));
}

static void
put_types(struct buf *out)
{
	const struct provider_type *t;
	size_t i;

	buf_puts(out, "## Types of providers\n\n"
		      "| type | base_url | dialects | quirks |\n"
		      "|---|---|---|---|\n");
	for (i = 0; (t = preset_at(i)) != NULL; i++) {
		buf_printf(out, "| `%s` | %s | ", t->name,
		    t->base_url != NULL ? t->base_url : "has to be given");
		put_bits(out, t->dialects, value_spec(VALUE_DIALECT)->word);
		buf_puts(out, " | ");
		put_bits(out, t->quirks, quirk_name);
		buf_puts(out, " |\n");
	}
	put_meanings(out, "quirk", quirk_name, quirk_meaning);
}

static void
put_sets(struct buf *out)
{
	const struct value_spec *spec;
	enum value_type type;

	buf_puts(out, "\n## Words of lists\n");
	for (type = 0; type < VALUE_TYPES; type++) {
		spec = value_spec(type);
		if (spec->meaning != NULL)
			put_meanings(out, spec->name, spec->word,
			    spec->meaning);
	}
}

void
reference_put(struct buf *out, const char *word)
{
	static const struct {
		const char *title;
		const struct table *table;
	} files[] = { { "mesh.yaml", &mesh_table },
		{ "node/NAME.yaml", &node_table },
		{ "egress/NAME.yaml", &egress_table } };
	size_t i;

	for (i = 0; i < count_of(files); i++) {
		struct rows rows = { out, word, files[i].title };

		put_table(&rows, "", files[i].table);
		if (rows.title == NULL)
			buf_putc(out, '\n');
	}
	if (word != NULL)
		return;
	put_types(out);
	put_sets(out);
}

static int
reference(const void *options, int count, char *const *operands)
{
	const char *word = count > 0 ? operands[0] : NULL;
	struct buf text;
	int status = EXIT_SUCCESS;

	(void)options;
	buf_init(&text, REFERENCE_BYTES_MAX);
	reference_put(&text, word);
	if (text.len == 0) {
		fprintf(stderr, "no key has '%s' in it\n", word);
		status = EXIT_FAILURE;
	}
	say(&text);
	buf_fini(&text);
	return status;
}

const struct command reference_command = {
	.name = "reference",
	.operands = "[WORD]",
	.summary = "explain the keys of all files, as Markdown",
	.text = "Every key: what it takes, what holds when it is left out, "
		"what it means.\nWith a word, only keys that have it in their "
		"path:\n\n"
		"  gsr-topology reference timeouts",
	.operands_min = 0,
	.operands_max = 1,
	.run = reference,
};
