#include "node/models.h"

#include "common/base/buf.h"
#include "common/format/json.h"
#include "node/caller.h"
#include "topology/load.h"

#define LIMIT_MAX 1000
#define LIMIT     20 /* Anthropic's, when none is asked for */

/* Files have no date that is the model's: both shapes want one. */
#define CREATED_AT "1970-01-01T00:00:00Z"

static void
put_model(struct json_writer *w, const struct models_ask *ask,
    const struct group *g, struct slice id)
{
	struct slice shown =
	    g->display_name.len > 0 ? g->display_name : g->name;

	json_open(w, '{');
	if (ask->anthropic) {
		json_field_text(w, "type", slice_of("model"));
		json_field_text(w, "id", id);
		json_field_text(w, "display_name", shown);
		json_field_text(w, "created_at", slice_of(CREATED_AT));
	} else {
		json_field_text(w, "id", id);
		json_field_text(w, "object", slice_of("model"));
		json_field_int(w, "created", 0);
		json_field_text(w, "owned_by", ask->topology->self->team);
		json_field_text(w, "display_name", shown);
	}
	json_close(w, '}');
}

/* The i-th of all names and aliases that the caller may use. */
static const struct group *
listed(const struct models_ask *ask, size_t i, struct slice *id)
{
	const struct node_file *file = ask->topology->node;
	const struct group *g;

	for (g = file->groups; g < file->groups + file->groups_count; g++) {
		if (!caller_may_use(ask->caller, g->name))
			continue;
		if (i <= g->aliases_count) {
			*id = i == 0 ? g->name : g->aliases[i - 1];
			return g;
		}
		i -= g->aliases_count + 1;
	}
	return NULL;
}

static size_t
place_of(const struct models_ask *ask, struct slice id, size_t otherwise)
{
	struct slice other;
	size_t i;

	for (i = 0; id.len > 0 && listed(ask, i, &other) != NULL; i++)
		if (slice_eq(other, id))
			return i;
	return otherwise;
}

static size_t
count(const struct models_ask *ask)
{
	struct slice id;
	size_t i;

	for (i = 0; listed(ask, i, &id) != NULL; i++)
		;
	return i;
}

static size_t
limit(const struct models_ask *ask)
{
	int64_t n;

	if (!json_raw_int(ask->limit, &n) || n < 1)
		return LIMIT;
	return min_size((size_t)n, LIMIT_MAX);
}

/* All of them, or a page: [first, end). */
static void
put_range(struct json_writer *w, const struct models_ask *ask, size_t first,
    size_t end)
{
	const struct group *g;
	struct slice id;
	size_t i;

	json_key(w, "data");
	json_open(w, '[');
	for (i = first; i < end; i++) {
		g = listed(ask, i, &id);
		put_model(w, ask, g, id);
	}
	json_close(w, ']');
}

static void
put_id(struct json_writer *w, const char *name, const struct models_ask *ask,
    size_t i, bool there)
{
	struct slice id;

	json_key(w, name);
	if (there && listed(ask, i, &id) != NULL)
		json_put_text(w, id);
	else
		json_put_null(w);
}

static void
put_page(struct json_writer *w, const struct models_ask *ask)
{
	size_t all = count(ask), first = 0, end, most = limit(ask);

	if (ask->before.len > 0) {
		end = place_of(ask, ask->before, all);
		first = end > most ? end - most : 0;
	} else {
		if (ask->after.len > 0)
			first = place_of(ask, ask->after, all - 1) + 1;
		end = min_size(all, first + most);
	}
	first = min_size(first, end);
	put_range(w, ask, first, end);
	json_field_bool(w, "has_more",
	    ask->before.len > 0 ? first > 0 : end < all);
	put_id(w, "first_id", ask, first, end > first);
	put_id(w, "last_id", ask, end - 1, end > first);
}

void
models_list(struct buf *out, const struct models_ask *ask)
{
	struct json_writer w = { .out = out };

	json_open(&w, '{');
	if (ask->anthropic) {
		put_page(&w, ask);
	} else {
		json_field_text(&w, "object", slice_of("list"));
		put_range(&w, ask, 0, count(ask));
	}
	json_close(&w, '}');
}

bool
models_one(struct buf *out, const struct models_ask *ask, struct slice id)
{
	struct json_writer w = { .out = out };
	struct slice found;
	const struct group *g;
	size_t i;

	for (i = 0; (g = listed(ask, i, &found)) != NULL; i++) {
		if (!slice_eq(found, id))
			continue;
		put_model(&w, ask, g, found);
		return true;
	}
	return false;
}
