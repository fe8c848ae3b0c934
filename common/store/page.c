#include "common/store/page.h"

void
page_write(struct search *s, const struct secret *seal, struct buf *out)
{
	char rest[CURSOR_CHARS] = "";
	struct search_key key;
	struct slice stored;
	size_t count = 0;

	while (count < PAGE_ROWS_MAX && out->len < PAGE_BYTES_MAX &&
	       search_next(s, &stored) != NULL) {
		pack_bool(out, true);
		pack_bytes(out, stored.ptr, stored.len);
		count++;
	}
	if (search_rest(s, &key))
		cursor_write(seal, &key, rest);
	pack_bool(out, false);
	pack_text(out, slice_of(rest));
}

void
page_open(struct page *p, enum row_kind kind, struct slice bytes)
{
	*p = (struct page){ .in = unpack_start(bytes), .kind = kind };
}

/* A row of a newer version than ours is no row that can be shown. */
const union search_row *
page_next(struct page *p)
{
	struct slice stored;

	if (p->whole || p->in.failed)
		return NULL;
	if (unpack_bool(&p->in)) {
		stored = unpack_bytes(&p->in);
		if (!p->in.failed && row_read(p->kind, stored, &p->row))
			return &p->row;
		p->in.failed = true;
		return NULL;
	}
	p->rest = unpack_text(&p->in);
	p->whole = unpack_done(&p->in);
	return NULL;
}
