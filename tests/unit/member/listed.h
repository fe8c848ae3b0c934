#pragma once
/*
 * listed: the events of a store as `get events` shows them, by one word of a
 * wish (NULL: by none).
 */
#include "common/member/listing.h"

static inline const char *
events_listed(struct ledger *ledger, enum listing_format format,
    const char *name, const char *value, struct buf *out)
{
	const union search_row *row;
	struct search *search;
	struct listing l;
	struct wish w;

	wish_init(&w, ROW_EVENT);
	if (name != NULL)
		assert_int_equal(wish_take(&w, slice_of(name), slice_of(value),
				     out),
		    WISH_TAKEN);
	buf_reset(out);
	search = search_new(ledger, &w);
	listing_open(&l, ROW_EVENT, format, out);
	while ((row = search_next(search, NULL)) != NULL)
		listing_put(&l, row);
	listing_close(&l);
	search_free(search);
	return buf_text(out);
}
