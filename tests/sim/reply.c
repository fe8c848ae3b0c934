#include "tests/sim/reply.h"

#include <string.h>

#define PIECE_BYTES 10 /* of a call's arguments */

static void
add_part(struct reply *r, enum part_kind kind, uint64_t chunks)
{
	r->parts[r->count] = (struct part){
		.kind = kind,
		.index = r->count,
		.chunks = chunks,
	};
	r->count++;
}

static void
add_calls(struct reply *r)
{
	size_t i, len;

	for (i = 0; i < r->script->call_count; i++) {
		len = r->script->calls[i].len;
		add_part(r, PART_CALL, (len + PIECE_BYTES - 1) / PIECE_BYTES);
		r->parts[r->count - 1].call = (unsigned)i;
	}
}

void
reply_compose(struct reply *r, bool calls)
{
	const struct script *s = r->script;

	r->count = 0;
	r->events = 0;
	calls = calls && s->call_count;
	if (s->thinking)
		add_part(r, PART_THOUGHT, s->thinking);
	if (s->refusal)
		add_part(r, PART_REFUSAL, s->refusal);
	else if (s->tokens || s->endless || !calls)
		add_part(r, PART_TEXT, s->tokens);
	if (calls)
		add_calls(r);
}

bool
reply_has(const struct reply *r, enum part_kind kind)
{
	unsigned i;

	for (i = 0; i < r->count; i++)
		if (r->parts[i].kind == kind)
			return true;
	return false;
}

const struct script_call *
reply_call(const struct reply *r, const struct part *p)
{
	return &r->script->calls[p->call];
}

static void
write_text(struct text *out, const struct reply *r, uint64_t i)
{
	const struct script *s = r->script;
	size_t from = out->len, size = s->size;

	if (r->echo.len) {
		if (!i)
			text_json(out, r->echo.at, r->echo.len);
		return;
	}
	if (!strcmp(s->garbage, "utf8"))
		text_str(out, "\xff\xc0\x80");
	text_str(out, "t");
	text_num(out, i);
	text_str(out, " ");
	if (s->huge)
		size = s->tokens ? (s->huge + s->tokens - 1) / s->tokens : 1;
	if (out->len - from < size)
		text_fill(out, 'x', size - (out->len - from));
}

/* Where piece i begins: never within a character. */
static size_t
piece_edge(const char *bytes, size_t len, uint64_t i)
{
	size_t at = i * PIECE_BYTES;

	if (at >= len)
		return len;
	while (at < len && ((unsigned char)bytes[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void
write_arguments(struct text *out, const struct reply *r, const struct part *p,
    uint64_t i)
{
	const struct script_call *call = reply_call(r, p);
	const char *bytes = r->script->arguments + call->from;
	size_t from = piece_edge(bytes, call->len, i);

	text_json(out, bytes + from,
	    piece_edge(bytes, call->len, i + 1) - from);
}

void
reply_chunk(struct text *out, const struct reply *r, const struct part *p,
    uint64_t i)
{
	switch (p->kind) {
	case PART_TEXT:
		write_text(out, r, i);
		break;
	case PART_CALL:
		write_arguments(out, r, p, i);
		break;
	case PART_THOUGHT:
	case PART_REFUSAL:
		text_str(out, p->kind == PART_THOUGHT ? "h" : "r");
		text_num(out, i);
		text_str(out, " ");
	}
}

void
reply_whole(struct text *out, const struct reply *r, const struct part *p)
{
	uint64_t i;

	for (i = 0; i < p->chunks; i++)
		reply_chunk(out, r, p, i);
}

void
reply_blob(struct text *out, const struct reply *r)
{
	const char *blob = r->script->blob;

	if (*blob)
		text_json(out, blob, strlen(blob));
	else
		text_form(out, "blob-%lu-%s", r->n, r->model);
}

bool
reply_without_usage(const struct reply *r)
{
	return !strcmp(r->script->usage, "none");
}

uint64_t
reply_completion(const struct reply *r)
{
	const struct script *s = r->script;
	uint64_t chunks = 0;
	unsigned i;

	if (s->completion != SCRIPT_UNSET)
		return s->completion;
	for (i = 0; i < r->count; i++)
		chunks += r->parts[i].chunks;
	return chunks;
}

uint64_t
reply_reasoning(const struct reply *r)
{
	const struct script *s = r->script;

	return s->reasoning == SCRIPT_UNSET ? s->thinking : s->reasoning;
}
