#include "node/dialect/target.h"

#include "common/format/weave.h"
#include "common/llm/own.h"

const struct target_face *
target_face(enum dialect d)
{
	static const struct target_face *const faces[DIALECTS] = {
		[DIALECT_CHAT] = &chat_target,
		[DIALECT_RESPONSES] = &responses_target,
		[DIALECT_MESSAGES] = &messages_target,
	};

	return faces[d];
}

void
target_write(struct splice *out, enum dialect d, const struct turn *t,
    const struct target_terms *terms)
{
	struct weave w;

	*out = (struct splice){ .changes = 0 };
	weave_init(&w);
	target_face(d)->write(&w, t, terms);
	out->parts = weave_parts(&w, t->arena, &out->count, &out->bytes);
	weave_fini(&w);
}
