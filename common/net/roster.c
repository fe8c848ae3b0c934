#include "common/net/roster.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/net/host.h"
#include "common/net/lookout.h"

#define BOOTS 4 /* remembered for each key */

struct boot {
	struct id id;
	size_t links;  /* up now; 0: it was here */
	uint64_t seen; /* when it came, counting the key's boots; 0: unused */
};

/* There are no more of them than identities that were ever allowed. */
struct member {
	struct public_key key;
	struct boot boots[BOOTS];
	uint64_t count; /* boots so far */
	uint64_t twins;
};

struct roster {
	pthread_mutex_t lock;
	struct map members; /* by key */
	struct list hosts;
	struct lookout *lookout;
};

struct roster *
roster_new(void)
{
	struct roster *r = xcalloc(1, sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	map_init(&r->members);
	list_init(&r->hosts);
	r->lookout = lookout_new();
	return r;
}

void
roster_free(struct roster *r)
{
	struct list *first;
	void *member;
	size_t at = 0;

	while ((member = map_next(&r->members, &at)) != NULL)
		free(member);
	map_fini(&r->members);
	while ((first = list_pop(&r->hosts)) != NULL)
		host_free(container_of(first, struct host, all));
	lookout_free(r->lookout);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct slice
key_slice(const struct public_key *key)
{
	return slice_make(key->bytes, sizeof(key->bytes));
}

static struct member *
member_of(struct roster *r, const struct public_key *key)
{
	struct member *m = map_find(&r->members, key_slice(key));

	if (m != NULL)
		return m;
	m = xcalloc(1, sizeof(*m));
	m->key = *key;
	map_put(&r->members, key_slice(&m->key), m);
	return m;
}

static struct boot *
find_boot(struct member *m, const struct id *id)
{
	size_t i;

	for (i = 0; i < BOOTS; i++)
		if (m->boots[i].seen > 0 &&
		    memcmp(&m->boots[i].id, id, sizeof(*id)) == 0)
			return &m->boots[i];
	return NULL;
}

/* The place of a new boot: that of the oldest, unlinked if there is one. */
static struct boot *
new_boot(struct member *m, const struct id *id)
{
	struct boot *oldest = &m->boots[0];
	size_t i;

	for (i = 1; i < BOOTS; i++) {
		struct boot *b = &m->boots[i];

		if ((b->links > 0) != (oldest->links > 0)
			? b->links == 0
			: b->seen < oldest->seen)
			oldest = b;
	}
	*oldest = (struct boot){ .id = *id, .seen = ++m->count };
	return oldest;
}

static bool
has_twin(const struct member *m, const struct boot *boot)
{
	size_t i;

	for (i = 0; i < BOOTS; i++)
		if (&m->boots[i] != boot && m->boots[i].links > 0)
			return true;
	/* A boot does not come back once it was replaced. */
	return boot->seen < m->count;
}

uint64_t
roster_enter(struct roster *r, const struct public_key *key,
    const struct id *boot)
{
	struct member *m;
	struct boot *b;
	uint64_t twins;

	pthread_mutex_lock(&r->lock);
	m = member_of(r, key);
	b = find_boot(m, boot);
	if (b == NULL)
		b = new_boot(m, boot);
	/* More lanes of a boot that is up are no news. */
	if (b->links++ == 0 && has_twin(m, b)) {
		b->seen = ++m->count;
		m->twins++;
	}
	twins = m->twins;
	pthread_mutex_unlock(&r->lock);
	return twins;
}

void
roster_leave(struct roster *r, const struct public_key *key,
    const struct id *boot)
{
	struct boot *b;

	pthread_mutex_lock(&r->lock);
	b = find_boot(member_of(r, key), boot);
	if (b != NULL && b->links > 0)
		b->links--;
	pthread_mutex_unlock(&r->lock);
}

uint64_t
roster_twins(struct roster *r, const struct public_key *key)
{
	uint64_t twins;

	pthread_mutex_lock(&r->lock);
	twins = member_of(r, key)->twins;
	pthread_mutex_unlock(&r->lock);
	return twins;
}

struct lookout *
roster_lookout(struct roster *r)
{
	return r->lookout;
}

struct host *
roster_host(struct roster *r, struct loop *loop)
{
	struct host *found = NULL;

	pthread_mutex_lock(&r->lock);
	list_each(item, &r->hosts) {
		struct host *h = container_of(item, struct host, all);

		if (h->loop == loop)
			found = h;
	}
	if (found == NULL) {
		found = host_new(loop);
		list_push(&r->hosts, &found->all);
	}
	pthread_mutex_unlock(&r->lock);
	return found;
}
