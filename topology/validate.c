#include <stdio.h>
#include <stdlib.h>

#include "common/format/json.h"
#include "topology/check.h"
#include "topology/commands.h"
#include "topology/review.h"

#define JSON_BYTES_MAX (4 * 1024 * 1024)

struct validate_options {
	bool json;
};

static void
print_json(struct review *r, bool fine)
{
	struct json_writer w = { 0 };
	struct buf text;

	buf_init(&text, JSON_BYTES_MAX);
	w.out = &text;
	json_open(&w, '{');
	json_field_bool(&w, "ok", fine);
	json_field_text(&w, "mesh", folder_mesh(&r->folder)->name);
	json_key(&w, "mistakes");
	mistakes_put_json(&r->mistakes, &w);
	json_field_int(&w, "more", (int64_t)r->mistakes.more);
	json_close(&w, '}');
	buf_putc(&text, '\n');
	say(&text);
	buf_fini(&text);
}

static const char *
plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static int
validate(const void *options, int count, char *const *operands)
{
	const struct validate_options *o = options;
	struct review *r = review_new(operands[0], NULL);
	const struct mesh *mesh;
	bool fine;
	int status;

	(void)count;
	fine = check_folder(&r->folder);
	mesh = folder_mesh(&r->folder);
	if (o->json)
		print_json(r, fine);
	else if (fine)
		printf("%s: mesh %s is fine: %zu member%s, %zu team%s\n",
		    operands[0], mesh->name.ptr, mesh->members_count,
		    plural(mesh->members_count), mesh->teams_count,
		    plural(mesh->teams_count));
	status = o->json ? !fine : review_tell(r);
	review_free(r);
	return status;
}

static const struct option_spec options[] = {
	{ .name = "json",
	    .type = OPTION_FLAG,
	    .offset = offsetof(struct validate_options, json),
	    .help = "the mistakes as JSON: file, line, col, text" },
};

const struct command validate_command = {
	.name = "validate",
	.operands = "DIR",
	.summary = "check a folder as one thing",
	.text = "Reads all files of the folder and reports every mistake as\n"
		"file:line:col: text. Exit status 0 when there is none, 1 "
		"when there are\nsome: for git hooks and CI. Signatures are "
		"not looked at; see verify.",
	.options = options,
	.options_count = count_of(options),
	.options_bytes = sizeof(struct validate_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = validate,
};
