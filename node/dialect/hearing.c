#include "node/dialect/hearing.h"

#include <stdio.h>

#include "common/base/crypto.h"

void
hearing_init(struct hearing *h, delta_taker *take, void *arg)
{
	*h = (struct hearing){ .take = take, .arg = arg };
}

void
hearing_start(struct hearing *h, struct slice model)
{
	if (h->started)
		return;
	h->started = true;
	h->take(h->arg, &(struct delta){ .kind = DELTA_START, .text = model });
}

struct heard *
hearing_find(struct hearing *h, int64_t key)
{
	size_t i;

	for (i = 0; i < h->count; i++)
		if (h->list[i].open && h->list[i].key == key)
			return &h->list[i];
	return NULL;
}

/* A place in the list: that of a closed block, or a new one. */
static struct heard *
place(struct hearing *h)
{
	size_t i;

	for (i = 0; i < h->count; i++)
		if (!h->list[i].open)
			return &h->list[i];
	return h->count < HEARING_OPEN_MAX ? &h->list[h->count++] : NULL;
}

struct heard *
hearing_open(struct hearing *h, int64_t key, enum block_kind what,
    struct slice id, struct slice name)
{
	struct heard *b = place(h);

	if (b == NULL || h->blocks == BLOCKS_MAX || h->finished ||
	    id.len > HEARING_NAME_MAX || name.len > HEARING_NAME_MAX) {
		h->broken = true;
		return NULL;
	}
	hearing_start(h, slice_of(""));
	*b = (struct heard){ .key = key,
		.block = h->blocks++,
		.what = what,
		.id = crypto_short_hash(id.ptr, id.len),
		.open = true };
	h->called |= block_is_call(what);
	h->refused |= what == BLOCK_REFUSAL;
	h->take(h->arg, &(struct delta){ .kind = DELTA_OPEN,
			    .block = b->block,
			    .what = what,
			    .id = id,
			    .name = name });
	return b;
}

void
hearing_text(struct hearing *h, struct heard *b, struct slice text)
{
	if (b == NULL || text.len == 0)
		return;
	b->some = true;
	h->take(h->arg, &(struct delta){ .kind = DELTA_TEXT,
			    .block = b->block,
			    .what = b->what,
			    .text = text });
}

void
hearing_blob(struct hearing *h, struct heard *b, enum blob_kind kind,
    struct slice blob)
{
	if (b == NULL || blob.len == 0)
		return;
	h->take(h->arg, &(struct delta){ .kind = DELTA_BLOB,
			    .block = b->block,
			    .what = b->what,
			    .blob_kind = kind,
			    .text = blob });
}

void
hearing_close(struct hearing *h, struct heard *b)
{
	if (b == NULL || !b->open)
		return;
	b->open = false;
	h->take(h->arg, &(struct delta){ .kind = DELTA_CLOSE,
			    .block = b->block,
			    .what = b->what });
}

void
hearing_will_finish(struct hearing *h, enum finish finish,
    struct slice sequence)
{
	h->ended = true;
	h->finish = finish;
	if (sequence.len >= sizeof(h->sequence))
		return;
	snprintf(h->sequence, sizeof(h->sequence), "%.*s", SLICE_FMT(sequence));
}

void
hearing_end(struct hearing *h)
{
	size_t i;

	if (h->finished)
		return;
	hearing_start(h, slice_of(""));
	for (i = 0; i < h->count; i++)
		hearing_close(h, &h->list[i]);
	if (h->finish == FINISH_STOP && h->called)
		h->finish = FINISH_CALLS;
	else if (h->finish == FINISH_STOP && h->refused)
		h->finish = FINISH_REFUSAL;
	h->finished = true;
	h->take(h->arg, &(struct delta){ .kind = DELTA_FINISH,
			    .finish = h->finish,
			    .text = slice_of(h->sequence) });
}
