#include "node/dialect/bridge.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

struct bridge *
bridge_new(const struct bridge_wish *wish)
{
	struct bridge *b = xcalloc(1, sizeof(*b));

	b->from = target_face(wish->from);
	buf_init(&b->out, BRIDGE_OUT_MAX);
	telling_init(&b->telling, wish->to, wish->turn);
	b->telling.id = wish->id;
	b->telling.created_s = wish->created_s;
	b->telling.whole = wish->whole;
	b->telling.wants_usage = wish->wants_usage;
	b->telling.wants_blobs = wish->wants_blobs;
	b->telling.out = &b->out;
	if (wish->to == DIALECT_RESPONSES)
		snprintf(b->telling.response_id, sizeof(b->telling.response_id),
		    "resp_%s", wish->id);
	hearing_init(&b->hearing, telling_take, &b->telling);
	return b;
}

void
bridge_free(struct bridge *b)
{
	if (b == NULL)
		return;
	telling_fini(&b->telling);
	buf_fini(&b->out);
	free(b);
}

void
bridge_event(struct bridge *b, const struct json_value *root)
{
	if (root != NULL && !bridge_broken(b))
		b->from->hear(&b->hearing, root);
}

void
bridge_end(struct bridge *b, const struct usage *usage)
{
	if (b->hearing.finished || bridge_broken(b))
		return;
	hearing_end(&b->hearing);
	if (!bridge_broken(b))
		telling_end(&b->telling, usage);
}

void
bridge_whole(struct bridge *b, const struct json_value *root,
    const struct usage *usage)
{
	b->from->hear_whole(&b->hearing, root);
	bridge_end(b, usage);
}

bool
bridge_broken(const struct bridge *b)
{
	return b->hearing.broken || b->telling.broken || b->out.failed;
}
