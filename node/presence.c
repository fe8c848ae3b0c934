#include "node/presence.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/store/search.h"
#include "node/caller.h"

#define ROWS_MAX 5000 /* looked at when the process starts */

struct presences {
	pthread_mutex_t lock;
	struct map by_hash;
};

struct presences *
presences_new(void)
{
	struct presences *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	map_init(&p->by_hash);
	return p;
}

void
presences_free(struct presences *p)
{
	struct presence *one;
	size_t at = 0;

	if (p == NULL)
		return;
	while ((one = map_next(&p->by_hash, &at)) != NULL)
		free(one);
	map_fini(&p->by_hash);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static struct slice
key_of(const struct hash *hash)
{
	return slice_make(hash->bytes, HASH_BYTES);
}

struct presence *
presence_get(struct presences *p, const struct hash *hash)
{
	struct presence *one;

	pthread_mutex_lock(&p->lock);
	one = map_find(&p->by_hash, key_of(hash));
	if (one == NULL) {
		one = xcalloc(1, sizeof(*one));
		one->hash = *hash;
		map_put(&p->by_hash, key_of(&one->hash), one);
	}
	pthread_mutex_unlock(&p->lock);
	return one;
}

/* Names are used again: the row is the token's that had it then. */
static const struct caller *
caller_then(const struct token_book *book, const struct request_row *row)
{
	const struct caller *c;
	size_t at = 0;

	while ((c = caller_next(book, &at)) != NULL)
		if (slice_eq(c->name, row->caller) &&
		    c->created_us <= row->received_at &&
		    (c->revoked_us == 0 || c->revoked_us >= row->received_at))
			return c;
	return NULL;
}

void
presences_recall(struct token_book *book, struct ledger *ledger)
{
	const union search_row *row;
	const struct caller *c;
	struct search *s;
	struct wish w;

	wish_init(&w, ROW_REQUEST);
	w.limit = ROWS_MAX;
	s = search_new(ledger, &w);
	while ((row = search_next(s, NULL)) != NULL) {
		c = caller_then(book, &row->request);
		/* The newest row of each comes first. */
		if (c != NULL && presence_seen(c->presence) == 0)
			presence_note(c->presence, row->request.received_at);
	}
	search_free(s);
}
