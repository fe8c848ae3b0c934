#include "tests/sim/reply.h"

#include <string.h>

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

void
reply_compose(struct reply *r)
{
	r->count = 0;
	r->events = 0;
	add_part(r, PART_TEXT, r->script->tokens);
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

void
reply_chunk(struct text *out, const struct reply *r, const struct part *p,
    uint64_t i)
{
	(void)p;
	write_text(out, r, i);
}

void
reply_whole(struct text *out, const struct reply *r, const struct part *p)
{
	uint64_t i;

	for (i = 0; i < p->chunks; i++)
		reply_chunk(out, r, p, i);
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
