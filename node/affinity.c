#include "node/affinity.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/format/json.h"
#include "common/llm/shape.h"

#define WAYS       4
#define SETS       (AFFINITY_ENTRIES / WAYS)
#define TEXTS_MAX  32
#define TEXT_BYTES 4096 /* of each that count */

struct entry {
	uint64_t key; /* 0: empty */
	uint32_t target;
	uint32_t noted_s;
};

struct set {
	struct entry entries[WAYS];
};

struct affinity {
	pthread_mutex_t lock;
	struct set *sets;
};

/* The texts so far, chained. */
struct beginning {
	uint64_t hash;
	size_t texts;
};

struct affinity *
affinity_new(void)
{
	struct affinity *a = xcalloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	a->sets = xcalloc(SETS, sizeof(*a->sets));
	return a;
}

void
affinity_free(struct affinity *a)
{
	if (a == NULL)
		return;
	pthread_mutex_destroy(&a->lock);
	free(a->sets);
	free(a);
}

static void
chain(uint64_t *hash, struct slice text)
{
	const uint64_t both[2] = { *hash,
		crypto_short_hash(text.ptr, min_size(text.len, TEXT_BYTES)) };

	*hash = crypto_short_hash(both, sizeof(both));
}

static void
add_string(struct beginning *b, const struct json_value *v)
{
	if (v == NULL || v->type != JSON_STRING || b->texts == TEXTS_MAX)
		return;
	chain(&b->hash, slice_make(v->raw.ptr + 1, v->raw.len - 2));
	b->texts++;
}

/* A string, or parts with texts. */
static void
add_content(struct beginning *b, const struct json_value *content)
{
	const struct json_value *part;

	add_string(b, content);
	if (content == NULL || content->type != JSON_ARRAY)
		return;
	for (part = content->first; part != NULL; part = part->next)
		add_string(b, json_find(part, "text"));
}

static void
add_messages(struct beginning *b, const struct json_value *list)
{
	const struct json_value *message;

	add_string(b, list);
	if (list == NULL || list->type != JSON_ARRAY)
		return;
	for (message = list->first; message != NULL; message = message->next) {
		add_content(b, json_find(message, "content"));
		if (json_is(json_find(message, "role"), "user"))
			break;
	}
}

uint64_t
affinity_key(const struct json_value *root, const struct shape *shape,
    struct slice group, struct slice caller)
{
	struct beginning b = { 0 };

	chain(&b.hash, group);
	chain(&b.hash, caller);
	if (shape->dialect == DIALECT_RESPONSES) {
		add_content(&b, json_find(root, "instructions"));
		add_messages(&b, json_find(root, "input"));
	} else {
		add_content(&b, json_find(root, "system"));
		add_messages(&b, json_find(root, "messages"));
	}
	if (b.texts == 0)
		return 0;
	return b.hash != 0 ? b.hash : 1;
}

uint64_t
affinity_target(struct slice target)
{
	uint32_t hash = (uint32_t)crypto_short_hash(target.ptr, target.len);

	return hash != 0 ? hash : 1;
}

/* Where the key is, or else where it may go. */
static struct entry *
place_of(struct affinity *a, uint64_t key)
{
	struct entry *entries = a->sets[key % SETS].entries;
	struct entry *oldest = &entries[0];
	size_t i;

	for (i = 0; i < WAYS; i++)
		if (entries[i].key == key)
			return &entries[i];
	for (i = 1; i < WAYS; i++)
		if (entries[i].noted_s < oldest->noted_s)
			oldest = &entries[i];
	return oldest;
}

uint64_t
affinity_find(struct affinity *a, uint64_t key, int64_t ttl_us, int64_t now_us)
{
	struct entry found;
	int64_t age_us;

	pthread_mutex_lock(&a->lock);
	found = *place_of(a, key);
	pthread_mutex_unlock(&a->lock);
	age_us = now_us - (int64_t)found.noted_s * US_PER_SECOND;
	return key != 0 && found.key == key && age_us < ttl_us ? found.target
							       : 0;
}

void
affinity_note(struct affinity *a, uint64_t key, uint64_t target, int64_t now_us)
{
	struct entry *e;

	if (key == 0)
		return;
	pthread_mutex_lock(&a->lock);
	e = place_of(a, key);
	e->key = key;
	e->target = (uint32_t)target;
	e->noted_s = (uint32_t)(now_us / US_PER_SECOND);
	pthread_mutex_unlock(&a->lock);
}
