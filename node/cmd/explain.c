#include <stdio.h>

#include "common/base/arena.h"
#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/format/json.h"
#include "node/cmd/commands.h"
#include "node/cmd/source.h"

#define FILE_MAX    ((size_t)4 * 1024 * 1024)
#define BODY_MAX    (FILE_MAX + 4096)
#define ARENA_BYTES (2 * FILE_MAX)

struct options {
	struct explain_options stored;
	const char *request, *group, *dialect, *caller, *seed;
};

static const struct option_spec specs[] = {
	EXPLAIN_OPTIONS(struct options, stored),
	{ "request", "FILE", OPTION_TEXT, offsetof(struct options, request),
	    false, 0, 0, "a body that was not sent: what would be done now" },
	{ "group", "NAME", OPTION_TEXT, offsetof(struct options, group), false,
	    0, 0, "with --request: the group; default: the body's model" },
	{ "dialect", "NAME", OPTION_TEXT, offsetof(struct options, dialect),
	    false, 0, 0,
	    "with --request: chat, responses or messages; default: as the "
	    "body looks" },
	{ "caller", "NAME", OPTION_TEXT, offsetof(struct options, caller),
	    false, 0, 0,
	    "with --request: a token's name; default: nobody in particular" },
	{ "seed", "N", OPTION_TEXT, offsetof(struct options, seed), false, 0, 0,
	    "with --request: draw as then; default: anew each time" },
};

static void
put_word(struct json_writer *w, const char *name, const char *word)
{
	if (word != NULL)
		json_field_text(w, name, slice_of(word));
}

/* A body without a model asks for the group that was named. */
static void
put_request(struct json_writer *w, const struct options *o,
    const struct json_value *root)
{
	struct slice rest = slice_after(root->raw, 1);

	json_key(w, "request");
	if (o->group == NULL || json_find(root, "model") != NULL) {
		json_put_raw(w, root->raw);
		return;
	}
	json_put_raw(w, slice_of("{\"model\":"));
	buf_putc(w->out, '"');
	json_escape(w->out, slice_of(o->group));
	buf_puts(w->out, root->first != NULL ? "\"," : "\"");
	buf_put_slice(w->out, rest);
}

/* False when the file is no JSON object. */
static bool
write_body(struct buf *body, const struct options *o, struct slice text)
{
	struct json_writer w = { .out = body };
	struct json_error error;
	struct arena arena;
	const struct json_value *root;

	arena_init(&arena, 16 * FILE_MAX);
	root = json_parse(&arena, text, &error);
	if (root == NULL || root->type != JSON_OBJECT) {
		fprintf(stderr, "%s: is not a JSON object: %s at byte %zu\n",
		    o->request,
		    root == NULL ? error.why : "an object is expected",
		    root == NULL ? error.at : 0);
		arena_fini(&arena);
		return false;
	}
	json_open(&w, '{');
	put_word(&w, "group", o->group);
	put_word(&w, "dialect", o->dialect);
	put_word(&w, "caller", o->caller);
	if (o->seed != NULL) {
		json_key(&w, "seed");
		json_put_raw(&w, slice_of(o->seed));
	}
	put_request(&w, o, root);
	json_close(&w, '}');
	arena_fini(&arena);
	return true;
}

static int
rehearse(const struct options *o)
{
	enum asked asked = ASKED_BROKEN;
	struct arena arena;
	struct slice text;
	struct buf body;

	arena_init(&arena, ARENA_BYTES);
	buf_init(&body, BODY_MAX);
	if (source_read(&arena, o->request, FILE_MAX, &text) &&
	    write_body(&body, o, text))
		asked = ask_daemon(o->stored.state, "POST",
		    o->stored.json ? "/admin/explain?format=json"
				   : "/admin/explain",
		    buf_slice(&body));
	if (asked == ASKED_NOBODY)
		fprintf(stderr,
		    "no daemon runs on %s; what it would do is a running "
		    "one's to say\n",
		    o->stored.state);
	buf_fini(&body);
	arena_fini(&arena);
	return asked == ASKED_OK ? 0 : 1;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	int64_t seed;

	if (o->request == NULL && (o->group != NULL || o->dialect != NULL ||
				      o->caller != NULL || o->seed != NULL)) {
		fprintf(stderr, "--group, --dialect, --caller and --seed go "
				"with --request\n");
		return 2;
	}
	if (o->seed != NULL && !json_raw_int(slice_of(o->seed), &seed)) {
		fprintf(stderr, "--seed is a number, as explain tells it\n");
		return 2;
	}
	if (o->request == NULL)
		return explain_run(&o->stored, count, operands);
	if (count > 0 || o->stored.last) {
		fprintf(stderr, "name a request that was, or --request FILE\n");
		return 2;
	}
	return rehearse(o);
}

const struct command cmd_explain_node = {
	.name = "explain",
	.operands = "[ID]",
	.summary = "how a request was routed, or how one would be",
	.text =
	    "Of a request that was: the id is what callers see in "
	    "X-Request-Id (req_…).  Shown are\nits row, who put its targets "
	    "in order and why, its attempts and receipts.\n\n"
	    "Of one that was not sent: --request FILE has a body as callers "
	    "send it.  The running\nnode says who would be tried, in which "
	    "order, and why others would not, by what it\nknows now; it calls "
	    "nobody and writes nothing.  Chance is drawn from a seed, which "
	    "is told:\n--seed draws the same again.\n\n"
	    "Example:  gsr-node explain --last --state /var/lib/gsr\n"
	    "          gsr-node explain --group assistant --request body.json "
	    "\\\n            --caller ci --state /var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 0,
	.operands_max = 1,
	.run = run,
};
