#include "common/llm/envelope.h"

#include "common/base/buf.h"
#include "common/format/pack.h"

#define FIELDS      21
#define ATTEMPT_MAX 255

void
envelope_write(struct buf *out, const struct envelope *e)
{
	pack_array(out, FIELDS);
	pack_int(out, ENVELOPE_VERSION);
	pack_text(out, e->origin);
	pack_bytes(out, e->request.bytes, ID_BYTES);
	pack_int(out, e->attempt);
	pack_text(out, e->egress);
	pack_int(out, e->issued_us);
	pack_text(out, e->team);
	pack_text(out, e->caller);
	pack_text(out, e->user);
	pack_text(out, e->project);
	pack_text(out, e->group);
	pack_text(out, e->target);
	pack_text(out, slice_of(dialect_name(e->dialect)));
	pack_text(out, slice_of(operation_name(e->operation)));
	pack_text(out, e->api_version);
	pack_text(out, e->api_beta);
	pack_bool(out, e->stream);
	pack_int(out, e->output_cap);
	pack_int(out, e->body_bytes);
	pack_bytes(out, e->body_hash.bytes, HASH_BYTES);
	pack_bytes(out, e->topology.bytes, HASH_BYTES);
}

static bool
may_stand(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == ',' || c == '.' || c == '_' ||
	       c == '-' || c == ' ';
}

bool
envelope_may_carry(struct slice field, size_t max)
{
	size_t i;

	for (i = 0; i < field.len && i < max; i++)
		if (!may_stand(field.ptr[i]))
			return false;
	return field.len <= max;
}

/* Both texts go into header fields as they are. */
static bool
has_good_fields(const struct envelope *e)
{
	if (e->dialect != DIALECT_MESSAGES)
		return e->api_version.len == 0 && e->api_beta.len == 0;
	return envelope_may_carry(e->api_version, API_VERSION_MAX) &&
	       envelope_may_carry(e->api_beta, API_BETA_MAX);
}

bool
envelope_read(struct envelope *e, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	struct slice dialect, operation;

	if (bytes.len > ENVELOPE_MAX || unpack_array(&u) != FIELDS ||
	    unpack_int(&u) != ENVELOPE_VERSION)
		return false;
	e->origin = unpack_text(&u);
	unpack_fixed(&u, e->request.bytes, ID_BYTES);
	e->attempt = unpack_int(&u);
	e->egress = unpack_text(&u);
	e->issued_us = unpack_int(&u);
	e->team = unpack_text(&u);
	e->caller = unpack_text(&u);
	e->user = unpack_text(&u);
	e->project = unpack_text(&u);
	e->group = unpack_text(&u);
	e->target = unpack_text(&u);
	dialect = unpack_text(&u);
	operation = unpack_text(&u);
	e->api_version = unpack_text(&u);
	e->api_beta = unpack_text(&u);
	e->stream = unpack_bool(&u);
	e->output_cap = unpack_int(&u);
	e->body_bytes = unpack_int(&u);
	unpack_fixed(&u, e->body_hash.bytes, HASH_BYTES);
	unpack_fixed(&u, e->topology.bytes, HASH_BYTES);
	return unpack_done(&u) && dialect_by_name(&e->dialect, dialect) &&
	       operation_by_name(&e->operation, operation) &&
	       has_good_fields(e) && e->attempt >= 1 &&
	       e->attempt <= ATTEMPT_MAX && e->output_cap >= 0 &&
	       e->output_cap <= OUTPUT_TOKENS_MAX && e->body_bytes >= 0;
}
