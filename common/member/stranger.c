#include "common/member/stranger.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

#define TEXT_CHARS 96

struct stranger {
	int64_t at, status;
	char actor[TEXT_CHARS], action[TEXT_CHARS], from[TEXT_CHARS],
	    why[TEXT_CHARS];
};

struct strangers {
	pthread_mutex_t lock;
	atomic_size_t waiting; /* a look without the lock: most find none */
	size_t first, count;   /* of a ring */
	int64_t more, more_at; /* for whom there was no room */
	struct stranger ring[STRANGERS_MAX];
	struct stranger told;
};

struct strangers *
strangers_new(void)
{
	struct strangers *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	atomic_init(&s->waiting, 0);
	return s;
}

void
strangers_free(struct strangers *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void
copy(char to[TEXT_CHARS], struct slice text)
{
	snprintf(to, TEXT_CHARS, "%.*s", SLICE_FMT(text));
}

static void
copy_all(struct stranger *to, const struct audit_row *row)
{
	to->at = row->at;
	to->status = row->status;
	copy(to->actor, row->actor);
	copy(to->action, row->action);
	copy(to->from, row->from);
	copy(to->why, row->why);
}

void
strangers_tell(struct strangers *s, const struct audit_row *row)
{
	pthread_mutex_lock(&s->lock);
	if (s->count < STRANGERS_MAX) {
		copy_all(&s->ring[(s->first + s->count++) % STRANGERS_MAX],
		    row);
	} else {
		s->more++;
		s->more_at = row->at;
	}
	atomic_store(&s->waiting, s->count);
	pthread_mutex_unlock(&s->lock);
}

/* Those for whom there was no room come behind those who had some. */
static bool
take(struct strangers *s, int64_t *times)
{
	*times = 0;
	if (s->count > 0) {
		s->told = s->ring[s->first];
		s->first = (s->first + 1) % STRANGERS_MAX;
		s->count--;
	} else if (s->more > 0) {
		s->told = (struct stranger){ .at = s->more_at,
			.why = "more came than were told apart" };
		*times = s->more - 1;
		s->more = 0;
	} else {
		return false;
	}
	atomic_store(&s->waiting, s->count + (s->more > 0));
	return true;
}

bool
strangers_next(struct strangers *s, struct audit_row *row)
{
	int64_t times;
	bool taken;

	if (atomic_load(&s->waiting) == 0)
		return false;
	pthread_mutex_lock(&s->lock);
	taken = take(s, &times);
	pthread_mutex_unlock(&s->lock);
	if (taken)
		*row = (struct audit_row){ .at = s->told.at,
			.times = times,
			.status = s->told.status,
			.outcome = slice_of("refused"),
			.actor = slice_of(s->told.actor),
			.action = slice_of(s->told.action),
			.from = slice_of(s->told.from),
			.why = slice_of(s->told.why) };
	return taken;
}
