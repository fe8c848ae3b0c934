/*
 * What own_body makes of a body, in any dialect and by any terms, parses, has
 * our model and cap, stores nothing, and keeps every other member as it was.
 * Doing it twice changes nothing more; what was not allowed is not there.
 * The first byte chooses dialect and terms.
 */
#include <assert.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/look.h"
#include "common/llm/own.h"
#include "common/llm/shape.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define CAP         100
#define ALL         ((1u << ALLOWS) - 1)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : 1;
}

static void
join(struct buf *out, const struct splice *splice)
{
	size_t i;

	for (i = 0; i < splice->count; i++) {
		assert(splice->parts[i].len > 0);
		buf_put_slice(out, splice->parts[i]);
	}
	assert(!out->failed && out->len == splice->bytes);
}

/* Members whose value may change. */
static bool
is_ours(struct slice name)
{
	static const char *const names[] = { "model", "max_tokens",
		"max_completion_tokens", "max_output_tokens", "stream_options",
		"store", "include", "tools", "input", "tool_choice",
		"parallel_tool_calls", "web_search_options" };
	size_t i;

	for (i = 0; i < count_of(names); i++)
		if (slice_is(name, names[i]))
			return true;
	return false;
}

static void
check_kept(const struct json_value *before, const struct json_value *after)
{
	const struct json_value *old, *new = after->first;

	for (old = before->first; old != NULL; old = old->next) {
		if (new != NULL && slice_eq(old->name, new->name)) {
			assert(
			    is_ours(old->name) || slice_eq(old->raw, new->raw));
			new = new->next;
			continue;
		}
		assert(is_ours(old->name));
	}
}

/* The keys by leave, and those that are refused whatever is allowed. */
static void
check_refused(const struct json_value *root, const struct own_terms *terms)
{
	static const char *const state[] = { "previous_response_id",
		"conversation", "prompt" };
	static const char *const leave[] = { "provider", "container",
		"inference_geo" };
	const struct json_value *v;
	struct look look;
	size_t i;

	for (i = 0; i < count_of(state); i++) {
		v = json_find(root, state[i]);
		assert(terms->dialect != DIALECT_RESPONSES || v == NULL ||
		       v->type == JSON_NULL);
	}
	look_body(&look, root, terms->dialect);
	assert(look.item == NULL);
	v = json_find(root, "web_search_options");
	assert(v == NULL || v->type == JSON_NULL || terms->allowed != 0);
	if (terms->allowed != 0)
		return;
	assert(look.file == NULL && look.tools[TOOL_HOSTED] == 0 &&
	       look.tools[TOOL_MCP] == 0 && look.tools[TOOL_CONTAINER] == 0);
	for (i = 0; i < count_of(leave); i++) {
		v = json_find(root, leave[i]);
		assert(v == NULL || v->type < JSON_TRUE ||
		       (v->type == JSON_ARRAY && v->count == 0));
	}
}

static void
check_shape(const struct json_value *root, const struct own_terms *terms,
    struct arena *arena)
{
	const struct shape_wish wish = { terms->dialect, terms->operation };
	struct shape shape;
	const char *why;

	if (!shape_read(&shape, arena, root, &wish, &why))
		return;
	assert(why == NULL);
	assert(slice_eq(shape.model, terms->model));
	assert(shape.input_estimate_tokens > 0);
	if (terms->operation == OPERATION_COUNT)
		return;
	assert(shape.output_cap <= CAP);
	assert(shape.output_cap > 0 || terms->dialect == DIALECT_MESSAGES);
	assert(shape.stream == terms->stream && !shape.stores && !shape.state);
	assert(!terms->stream || shape.wants_usage);
	assert(terms->dialect != DIALECT_RESPONSES ||
	       json_find(root, "store")->type == JSON_FALSE);
}

static void
own(struct slice text, const struct own_terms *terms)
{
	const struct json_value *before, *after;
	struct owned owned, again;
	struct json_error error;
	struct arena arena;
	struct buf out;

	arena_init(&arena, ARENA_BYTES);
	buf_init(&out, text.len + 1000);
	before = json_parse(&arena, text, &error);
	if (before != NULL && before->count + 4 <= JSON_MEMBERS_MAX &&
	    arena_fits(&arena, ARENA_BYTES / 2) &&
	    own_body(&owned, &arena, before, terms) == OWN_DONE) {
		join(&out, &owned.splice);
		after = json_parse(&arena, buf_slice(&out), &error);
		assert(after != NULL);
		check_kept(before, after);
		check_refused(after, terms);
		check_shape(after, terms, &arena);
		assert(own_body(&again, &arena, after, terms) == OWN_DONE);
		assert(again.splice.changes == 0 && again.splice.count == 1);
		assert(!again.dropped_hosted_tools);
	}
	buf_fini(&out);
	arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct own_terms terms = { .model = slice_of("pro\"vider/m"),
		.output_cap = CAP,
		.cap_key = "max_completion_tokens",
		.usage_in_stream = true };
	unsigned choice;

	if (len == 0)
		return 0;
	choice = bytes[0];
	terms.dialect = (enum dialect)(choice % DIALECTS);
	terms.operation = choice & 4 ? OPERATION_COUNT : OPERATION_GENERATE;
	terms.drop_hosted_tools = (choice & 8) != 0;
	terms.allowed = choice & 16 ? ALL : 0;
	terms.encrypted_reasoning = (choice & 32) != 0;
	own(slice_make(bytes + 1, len - 1), &terms);
	terms.stream = true;
	own(slice_make(bytes + 1, len - 1), &terms);
	return 0;
}
