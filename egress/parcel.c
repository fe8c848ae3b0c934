#include "egress/parcel.h"

#include "common/format/json.h"
#include "common/llm/estimate.h"
#include "common/llm/quirk.h"
#include "egress/call.h"
#include "topology/load.h"

#define CHOICES_MAX 128

/* What a budget of the team's holds has an end, also where nobody said one. */
int64_t
parcel_cap(const struct call *c)
{
	int64_t cap = least_i64(c->model->max_output, c->envelope.output_cap);

	if (cap == 0 && c->ration.bounded)
		cap = ESTIMATE_HELD_TOKENS;
	return min_i64(cap, OUTPUT_TOKENS_MAX);
}

/*
 * Only chat has n: each choice is an answer of its own.  0: a number that no
 * node lets pass, and of which nobody can say what it comes to.
 */
static int64_t
choices(const struct call *c, const struct json_value *root)
{
	const struct json_value *n = json_find(root, "n");
	int64_t count;

	if (c->envelope.dialect != DIALECT_CHAT || n == NULL ||
	    n->type == JSON_NULL)
		return 1;
	if (!json_int(n, &count) || count < 1 || count > CHOICES_MAX)
		return 0;
	return count;
}

/* Looked at where somebody counts it: it is read a second time for that. */
static bool
weigh(struct call *c, const struct json_value *root)
{
	struct ration *r = &c->ration;
	int64_t count = choices(c, root);

	if (!r->weighed || c->envelope.operation == OPERATION_COUNT)
		return true;
	r->toll.input_tokens = estimate_tokens(root, c->envelope.dialect);
	r->most_output = parcel_cap(c) * count;
	r->toll.output_tokens =
	    least_i64(parcel_cap(c), ESTIMATE_OUTPUT_TOKENS) * count;
	return count > 0;
}

/* Our own model, cap and flags, whatever the body says. */
enum fail
parcel_make(struct call *c)
{
	const struct provider_type *type = c->model->provider->type;
	const struct team *team =
	    mesh_team(&c->topology->mesh, c->envelope.team);
	const struct own_terms terms = {
		.dialect = c->envelope.dialect,
		.operation = c->envelope.operation,
		.model = c->model->name,
		.output_cap = parcel_cap(c),
		.cap_key = type->cap_key,
		.stream = c->envelope.stream,
		.usage_in_stream = (type->quirks & QUIRK_USAGE_IN_STREAM) != 0,
		.allowed = team->allow,
	};
	const struct json_value *root;
	struct json_error error;
	struct owned owned;

	root = json_parse(&c->arena, buf_slice(&c->body), &error);
	if (root == NULL || !arena_fits(&c->arena, OWN_ARENA_BYTES))
		return FAIL_INVALID_REQUEST;
	switch (own_body(&owned, &c->arena, root, &terms)) {
	case OWN_INVALID:
		return FAIL_INVALID_REQUEST;
	case OWN_NOT_ALLOWED:
		return FAIL_TEAM_NOT_ALLOWED;
	case OWN_DONE:
		break;
	}
	c->splice = owned.splice;
	return weigh(c, root) ? FAIL_NONE : FAIL_INVALID_REQUEST;
}
