/*
 * The body of a request in any dialect on its way to a target of each.  The
 * first bytes choose the dialect that is asked in, what the group drops, what
 * the team is allowed, and what the target is like.  What is sent parses, has
 * our model, obeys the caps, stores nothing, and passes the egress, which
 * looks at it again.  What was noted and cannot be said is named.
 */
#include <assert.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "node/dialect/passage.h"

#define ARENA_MAX ((size_t)512 << 20)
#define TREE_MAX  ((size_t)16 << 20)
#define TEXT_MAX  (128u << 20)
#define CHOICES   6 /* bytes */
#define MODEL     "pro\"vider/m"
#define NAMES_MAX 4096

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : 1;
}

static enum blob_kind
made(void *arg, struct slice blob)
{
	(void)arg;
	return blob.len % 3 == 0   ? BLOB_NONE
	       : blob.len % 3 == 1 ? BLOB_SIGNATURE
				   : BLOB_ENCRYPTED;
}

static const struct json_value *
joined(struct arena *arena, const struct splice *splice)
{
	const struct json_value *root;
	struct json_error error;
	struct buf all;
	size_t i;

	buf_init(&all, TEXT_MAX);
	for (i = 0; i < splice->count; i++)
		buf_put_slice(&all, splice->parts[i]);
	assert(!all.failed && all.len == splice->bytes);
	root = json_parse(arena, arena_copy(arena, buf_slice(&all)), &error);
	buf_fini(&all);
	assert(root != NULL);
	return root;
}

/* Whoever pays looks again and finds nothing to change. */
static void
check_egress(const struct json_value *root, const struct passage_terms *terms,
    enum dialect target, struct arena *arena)
{
	const struct own_terms own = {
		.dialect = target,
		.operation = terms->operation,
		.model = terms->target.model,
		.output_cap = terms->target.output_cap,
		.cap_key = terms->target.cap_key,
		.stream = terms->stream,
		.usage_in_stream =
		    (terms->target.quirks & QUIRK_USAGE_IN_STREAM) != 0,
		.encrypted_reasoning = terms->target.reasons,
		.allowed = terms->allowed,
	};
	struct owned owned;

	assert(own_body(&owned, arena, root, &own) == OWN_DONE);
	assert(owned.splice.changes == 0);
}

static void
check_shape(const struct json_value *root, const struct passage_terms *terms,
    enum dialect target, struct arena *arena)
{
	const struct shape_wish wish = { target, terms->operation };
	struct shape shape;
	const char *why;

	if (!shape_read(&shape, arena, root, &wish, &why))
		return; /* an empty conversation; the provider says so */
	assert(slice_is(shape.model, MODEL));
	assert(shape.stream == terms->stream && !shape.stores && !shape.state);
	assert(terms->target.output_cap == 0 ||
	       shape.output_cap <= terms->target.output_cap);
	assert(!shape.hosted_tools || target == terms->asks);
}

/* What the dialect or this target cannot say of what is there. */
static void
check_named(const struct passage *p, const struct passage_terms *terms)
{
	struct slice dropped = slice_of(p->dropped);
	const struct carry_list *l = &p->turn->carried;
	struct carry_list beyond = { .unknown_count = 0 };
	struct target_terms target = terms->target;
	int64_t cap = p->turn->output_cap;
	int c;

	assert(dropped.len < NAMES_MAX);
	if (cap > 0 && (target.output_cap == 0 || cap < target.output_cap))
		target.output_cap = cap;
	target_limits(&beyond, p->target, p->turn, &target);
	for (c = 0; c < CARRY_COUNT; c++)
		if (c != CARRY_UNKNOWN && carry_has(l, (enum carry)c) &&
		    (carry_has(&beyond, (enum carry)c) ||
			carry_how((enum carry)c, p->target) == CANNOT))
			assert(strstr(p->dropped, carry_name((enum carry)c)) !=
			       NULL);
}

static void
pass(struct slice body, struct passage_terms terms, unsigned dialects)
{
	const struct shape_wish wish = { terms.asks, terms.operation };
	const struct json_value *root;
	struct json_error error;
	struct passage passage;
	struct arena arena;
	struct shape shape;
	const char *why;

	arena_init(&arena, TREE_MAX);
	terms.dialects = dialects;
	root = json_parse(&arena, body, &error);
	arena.max = ARENA_MAX;
	if (root == NULL || !shape_read(&shape, &arena, root, &wish, &why)) {
		arena_fini(&arena);
		return;
	}
	terms.stream = shape.stream;
	switch (passage_make(&passage, &arena, root, &terms)) {
	case PASSAGE_INVALID:
	case PASSAGE_NOT_ALLOWED:
	case PASSAGE_NOT_CARRIED:
		assert(passage.why != NULL && passage.why[0] != '\0');
		break;
	case PASSAGE_OK:
		root = joined(&arena, &passage.splice);
		check_egress(root, &terms, passage.target, &arena);
		check_shape(root, &terms, passage.target, &arena);
		if (passage.target != terms.asks)
			check_named(&passage, &terms);
		break;
	}
	arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct passage_terms terms = { .made = made };
	struct slice body;
	int d;

	if (len < CHOICES)
		return 0;
	body = slice_make(bytes + CHOICES, len - CHOICES);
	terms.asks = (enum dialect)(bytes[0] % DIALECTS);
	terms.answers = (enum dialect)(bytes[0] / 3 % DIALECTS);
	terms.operation =
	    bytes[0] / 9 % 8 == 0 && terms.asks == DIALECT_MESSAGES
		? OPERATION_COUNT
		: OPERATION_GENERATE;
	terms.drop = bytes[1];
	terms.allowed = bytes[2];
	terms.target = (struct target_terms){ .model = slice_of(MODEL),
		.output_cap = bytes[3] * 16,
		.cap_key =
		    bytes[5] & 2 ? "max_tokens" : "max_completion_tokens",
		.quirks = bytes[4] | (bytes[5] & 1u) << 8,
		.reasons = (bytes[5] & 4) != 0,
		.count = terms.operation == OPERATION_COUNT };
	for (d = 0; d < DIALECTS; d++)
		if (terms.operation == OPERATION_GENERATE ||
		    d == DIALECT_MESSAGES)
			pass(body, terms, 1u << d);
	return 0;
}
