#include "node/entry.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/format/json.h"
#include "common/format/pack.h"
#include "node/history.h"

#define SCHEMA      1
#define FIELDS      5
#define ITEMS_MAX   4096 /* that are found by their ids */
#define ID_MAX      1024
#define HEADS_MAX   (2 * ID_MAX + 32)
#define PARSE_BYTES ((size_t)64 << 20)

static void
entry_write(struct buf *out, const struct entry *e)
{
	pack_array(out, FIELDS);
	pack_int(out, SCHEMA);
	pack_text(out, e->response);
	pack_text(out, e->previous);
	pack_text(out, e->input);
	pack_text(out, e->output);
}

static bool
entry_read(struct entry *e, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);

	if (unpack_array(&u) != FIELDS || unpack_int(&u) != SCHEMA)
		return false;
	e->response = unpack_text(&u);
	e->previous = unpack_text(&u);
	e->input = unpack_text(&u);
	e->output = unpack_text(&u);
	return unpack_done(&u);
}

/* The type may be left out, but then there is nothing but the id. */
bool
entry_is_reference(const struct json_value *item)
{
	const struct json_value *type = json_find(item, "type");

	if (type != NULL && type->type != JSON_NULL)
		return json_is(type, ENTRY_REFERENCE);
	return json_find(item, "id") != NULL &&
	       item->count == (type != NULL ? 2 : 1);
}

/* The names that an entry is found by. */
struct naming {
	struct arena arena;
	struct archive_name names[1 + ITEMS_MAX];
	size_t count;
};

/* False when it is not an array of items that stand for themselves. */
static bool
name_items(struct naming *n, struct slice items)
{
	const struct json_value *list, *item;
	struct json_error error;
	struct slice id;

	list = json_parse(&n->arena, items, &error);
	if (list == NULL || list->type != JSON_ARRAY)
		return false;
	for (item = list->first; item != NULL; item = item->next) {
		if (entry_is_reference(item))
			return false;
		if (n->count <= ITEMS_MAX &&
		    json_text(json_find(item, "id"), &n->arena, &id) &&
		    id.len > 0)
			n->names[n->count++] =
			    (struct archive_name){ ENTRY_ITEM, id };
	}
	return true;
}

static void
archive_entry(struct archive *a, struct ledger_turn *t,
    const struct history_entry *e, const struct naming *n)
{
	const struct entry entry = { e->response, e->previous, e->input,
		e->output };
	struct archive_owner owner = archive_owner(a, e->caller, e->group);
	struct archive_record record = {
		.owner = &owner,
		.names = n->names,
		.names_count = n->count,
		.now_us = e->now_us,
		.ends_us = e->now_us + e->ttl_ms * US_PER_MS,
		.group_max_bytes = e->max_bytes,
	};
	struct buf bytes;

	/* Too large by its heads: the archive's to complain of. */
	buf_init(&bytes, ARCHIVE_RECORD_MAX + HEADS_MAX);
	entry_write(&bytes, &entry);
	assert(!bytes.failed);
	record.bytes = buf_slice(&bytes);
	(void)archive_put(a, t, &record);
	buf_fini(&bytes);
}

void
entry_put(struct archive *a, struct ledger_turn *t,
    const struct history_entry *e)
{
	struct naming *n;

	if (e->input.len + e->output.len > ARCHIVE_RECORD_MAX) {
		log_warn("a conversation is not kept: it is too large",
		    log_int("bytes", (int64_t)(e->input.len + e->output.len)));
		return;
	}
	n = xmalloc(sizeof(*n));
	arena_init(&n->arena, PARSE_BYTES);
	n->names[0] = (struct archive_name){ ENTRY_RESPONSE, e->response };
	n->count = 1;
	if (e->response.len > 0 && e->response.len <= ID_MAX &&
	    e->previous.len <= ID_MAX && name_items(n, e->input) &&
	    name_items(n, e->output))
		archive_entry(a, t, e, n);
	else
		log_warn("a conversation is not kept: its id or items are not "
			 "as they should be");
	arena_fini(&n->arena);
	free(n);
}

enum archive_result
entry_get(const struct entry_reader *r, struct archive_name name,
    struct entry *e)
{
	enum archive_result result;
	struct shelf_key key;
	struct slice bytes;

	if (!archive_find(r->archive, &r->owner, name, r->now_us, &key))
		return ARCHIVE_GONE;
	result = archive_read(r->archive, &r->owner, &key, r->arena, &bytes);
	if (result == ARCHIVE_READ && !entry_read(e, bytes)) {
		log_error("a kept conversation is of another version");
		result = ARCHIVE_GONE;
	}
	return result;
}
