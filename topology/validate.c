#include <stdio.h>
#include <stdlib.h>

#include "common/format/json.h"
#include "topology/check.h"
#include "topology/commands.h"
#include "topology/effective.h"
#include "topology/review.h"

#define OUTPUT_BYTES_MAX (4 * 1024 * 1024)

struct validate_options {
	const char *effective; /* caller; NULL: the folder as a whole */
	bool json;
};

static void
print_json(struct review *r, bool fine)
{
	struct json_writer w = { 0 };
	struct buf text;

	buf_init(&text, OUTPUT_BYTES_MAX);
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

/* What limits that caller, in a folder that is fine. */
static int
print_effective(struct review *r, const struct validate_options *o)
{
	struct effective effective;
	struct json_writer w = { 0 };
	struct buf text, why;
	int status = EXIT_SUCCESS;

	buf_init(&text, OUTPUT_BYTES_MAX);
	buf_init(&why, OUTPUT_BYTES_MAX);
	w.out = &text;
	if (!effective_find(&effective, &r->folder, o->effective, &why)) {
		complain(&why);
		status = EXIT_FAILURE;
	} else if (o->json) {
		effective_put_json(&effective, &w);
		buf_putc(&text, '\n');
	} else {
		effective_put(&effective, &text);
	}
	say(&text);
	buf_fini(&text);
	buf_fini(&why);
	return status;
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
	if (fine && o->effective != NULL) {
		status = print_effective(r, o);
		review_free(r);
		return status;
	}
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
	{ .name = "effective",
	    .value = "CALLER",
	    .type = OPTION_TEXT,
	    .offset = offsetof(struct validate_options, effective),
	    .help = "print what limits it: NODE[:tier=T,project=P,user=U]" },
	{ .name = "json",
	    .type = OPTION_FLAG,
	    .offset = offsetof(struct validate_options, json),
	    .help = "the mistakes (file, line, col, text), or what "
		    "--effective finds, as JSON" },
};

const struct command validate_command = {
	.name = "validate",
	.operands = "DIR",
	.summary = "check a folder as one thing",
	.text = "Reads all files of the folder and reports every mistake as\n"
		"file:line:col: text. Exit status 0 when there is none, 1 "
		"when there are\nsome: for git hooks and CI. Signatures are "
		"not looked at; see verify.\n\n"
		"With --effective, what limits a caller when the folder is "
		"fine: each limit\nof node, project, user, caller and team, "
		"the tightest of each kind\nmarked; then its groups, and the "
		"accounts that it shares with others:\n\n"
		"  gsr-topology validate --effective "
		"payments:tier=agent,project=fraud DIR",
	.options = options,
	.options_count = count_of(options),
	.options_bytes = sizeof(struct validate_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = validate,
};
