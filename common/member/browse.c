#include "common/member/browse.h"

#include "common/base/arena.h"
#include "common/member/admin.h"
#include "common/member/listing.h"
#include "common/member/process.h"
#include "common/store/cursor.h"
#include "common/store/page.h"

/* The thread that answers also syncs the store: who pages comes again. */
#define PAGE_LOOKS_MAX 10000
#define ARENA_MAX      (256 * 1024) /* of a query's values */

/* Who sees some rows is told of no other's. */
static const struct secret *
seal_for(const struct admin_call *call)
{
	return admin_scope_is_all(&call->scope) ? NULL
						: call->process->cursor_seal;
}

/* A cursor that was sealed becomes what it stands for. */
static bool
open_cursor(struct admin_call *call, struct arena *arena, struct slice *value)
{
	char clear[SEARCH_KEY_CHARS];

	if (!cursor_sealed(*value))
		return true;
	if (cursor_open(call->process->cursor_seal, *value, clear)) {
		*value = arena_copy(arena, slice_of(clear));
		return true;
	}
	buf_puts(&call->out, "'before' and 'after' are no cursor of this "
			     "member's: begin with the first page\n");
	return false;
}

static bool
read_wish(struct admin_call *call, struct wish *w, struct arena *arena)
{
	const char *name;
	struct slice value;
	size_t i;

	for (i = 0; (name = wish_name(w->kind, i)) != NULL; i++) {
		value = admin_argument_text(call, arena, name);
		if (!open_cursor(call, arena, &value))
			return false;
		if (value.len > 0 && wish_take(w, slice_of(name), value,
					 &call->out) == WISH_WRONG)
			return false;
	}
	return true;
}

static void
write_listing(struct admin_call *call, struct search *s, const struct wish *w,
    enum listing_format format)
{
	const union search_row *row;
	struct listing l;

	listing_open(&l, w->kind, format, &call->out);
	while (!call->out.failed && (row = search_next(s, NULL)) != NULL)
		listing_put(&l, row);
	listing_close(&l);
	if (format == LISTING_TEXT && search_gave_up(s))
		buf_printf(&call->out, "(only the newest %d were searched)\n",
		    SEARCH_ROWS_MAX);
}

static void
write_page(struct admin_call *call, struct search *s, const struct wish *w)
{
	struct json_writer json = { .out = &call->out };
	char rest[CURSOR_CHARS];
	const union search_row *row;
	struct search_key key;

	json_open(&json, '{');
	json_key(&json, "rows");
	json_open(&json, '[');
	while (call->out.len < PAGE_BYTES_MAX &&
	       (row = search_next(s, NULL)) != NULL)
		row_json(w->kind, row, &json);
	json_close(&json, ']');
	json_key(&json, "next");
	if (search_rest(s, &key)) {
		cursor_write(seal_for(call), &key, rest);
		json_put_text(&json, slice_of(rest));
	} else {
		json_put_null(&json);
	}
	json_close(&json, '}');
	buf_putc(&call->out, '\n');
}

static const char *
type_of(enum listing_format format)
{
	static const char *const types[] = {
		[LISTING_TEXT] = "text/plain; charset=utf-8",
		[LISTING_JSON] = "application/json",
		[LISTING_JSONL] = "application/x-ndjson",
		[LISTING_CSV] = "text/csv; charset=utf-8",
	};

	return types[format];
}

static int
answer(struct admin_call *call, struct wish *w)
{
	struct slice form = admin_argument(call, "format");
	enum listing_format format = LISTING_TEXT;
	bool rows = slice_is(form, "rows"), page = slice_is(form, "page");
	struct search *s;
	bool failed;

	if (!rows && !page && form.len > 0 &&
	    !listing_format_read(form, &format)) {
		buf_puts(&call->out, LISTING_WANTED ", or page\n");
		return 400;
	}
	if (rows || page)
		w->rows_max = PAGE_LOOKS_MAX;
	s = search_new(call->process->ledger, w);
	call->type = type_of(page ? LISTING_JSON : format);
	if (rows) {
		call->type = "application/octet-stream";
		page_write(s, seal_for(call), &call->out);
	} else if (page) {
		write_page(call, s, w);
	} else {
		write_listing(call, s, w, format);
	}
	failed = search_failed(s);
	search_free(s);
	if (!failed)
		return 200;
	buf_reset(&call->out);
	buf_puts(&call->out, "the store could not be read; see the log\n");
	call->type = type_of(LISTING_TEXT);
	return 500;
}

static int
serve(struct admin_call *call, enum row_kind kind)
{
	struct arena arena;
	struct wish w;
	int status = 400;

	wish_init(&w, kind);
	w.scope = &call->scope;
	arena_init(&arena, ARENA_MAX);
	call->type = type_of(LISTING_TEXT);
	if (read_wish(call, &w, &arena))
		status = answer(call, &w);
	arena_fini(&arena);
	return status;
}

int
browse_requests(struct admin_call *call)
{
	bool node = call->process->app->role == ROLE_NODE;

	return serve(call, node ? ROW_REQUEST : ROW_ATTEMPT);
}

int
browse_events(struct admin_call *call)
{
	return serve(call, ROW_EVENT);
}
