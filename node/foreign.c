#include "node/foreign.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/llm/splice.h"
#include "common/member/worker.h"
#include "node/blob.h"
#include "node/dialect/raw.h"
#include "node/maker.h"
#include "node/node.h"
#include "node/request.h"

/* In the store the makers of redacted thinking have this behind their name. */
#define REDACTED "#redacted"
#define COMPACTED_WHY                                                          \
	"The conversation was compacted by another target, and only that one " \
	"can read it."

static bool
is_redacted(const struct json_value *holder)
{
	return value_is(json_find(holder, "type"), "redacted_thinking");
}

static struct slice
maker_name(struct request *r, bool redacted)
{
	if (!redacted)
		return r->round.route->target;
	return slice_of(arena_printf(r->round.draft, "%.*s" REDACTED,
	    SLICE_FMT(r->round.route->target)));
}

enum blob_kind
foreign_kind(void *request, struct slice blob)
{
	struct request *r = request;
	struct makers *makers = r->desk->node->makers;
	struct ledger_turn *turn = r->desk->worker->turn;

	if (maker_is(makers, turn, blob, maker_name(r, false)))
		return r->round.passage.target == DIALECT_MESSAGES
			   ? BLOB_SIGNATURE
			   : BLOB_ENCRYPTED;
	return maker_is(makers, turn, blob, maker_name(r, true)) ? BLOB_REDACTED
								 : BLOB_NONE;
}

static void
note(void *arg, const struct blob *blob)
{
	struct request *r = arg;

	maker_note(r->desk->node->makers, r->desk->worker->turn,
	    blob->value->raw, maker_name(r, is_redacted(blob->holder)),
	    clock_wall_us());
}

void
foreign_note(void *request, const struct json_value *root)
{
	struct request *r = request;

	blob_each(root, r->round.passage.target, false, note, r);
}

struct removal {
	struct request *r;
	bool compacted;
};

static bool
is_foreign(void *arg, const struct json_value *blob)
{
	struct removal *m = arg;

	return foreign_kind(m->r, blob->raw) == BLOB_NONE;
}

/* A conversation without its compacted part is another conversation. */
static void
find_compacted(void *arg, const struct blob *blob)
{
	struct removal *m = arg;

	m->compacted |=
	    value_is(json_find(blob->holder, "type"), "compaction") &&
	    is_foreign(m, blob->value);
}

/* The edited text as one, since what reads on wants a tree. */
static bool
read_again(struct request *r, const struct edits *e)
{
	struct json_error error;
	struct splice splice;
	size_t i, at = 0;
	char *text;

	edits_splice(&splice, e);
	if (!arena_fits(r->round.draft, splice.bytes))
		return false;
	text = arena_room(r->round.draft, splice.bytes);
	for (i = 0; i < splice.count; i++) {
		memcpy(text + at, splice.parts[i].ptr, splice.parts[i].len);
		at += splice.parts[i].len;
	}
	return request_parse(r, r->round.draft, slice_make(text, at), &error);
}

/* A loop of calls that lost its thinking goes on without any. */
static bool
stop_thinking(struct request *r)
{
	struct edits edits;

	if (r->shape.dialect != DIALECT_MESSAGES || !blob_loop_is_bare(r->root))
		return true;
	edits_init(&edits, r->root, r->round.draft);
	edits_replace(&edits, json_find(r->root, "thinking"),
	    "{\"type\":\"disabled\"}");
	return read_again(r, &edits);
}

enum fail
foreign_remove(struct request *r)
{
	struct removal m = { .r = r };
	struct edits edits;

	blob_each(r->root, r->shape.dialect, true, find_compacted, &m);
	if (m.compacted) {
		r->detail = slice_of(COMPACTED_WHY);
		return FAIL_NO_ELIGIBLE_TARGET;
	}
	edits_init(&edits, r->root, r->round.draft);
	if (blob_cut(&edits, r->shape.dialect, is_foreign, &m) == 0)
		return FAIL_NONE;
	if (edits.failed || !read_again(r, &edits) || !stop_thinking(r))
		return FAIL_REQUEST_TOO_LARGE;
	r->round.thoughts_removed = true;
	return FAIL_NONE;
}
