#include "common/export/sorter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

#define MOST     ((size_t)1 << 18)
#define RUNS_MAX 512

/* A sorted part: in a file, or the last one, in memory. */
struct run {
	FILE *file;
	struct sorter_place next;
	bool has_next;
};

struct sorter {
	struct sorter_place *places;
	size_t count, most, given;
	struct run runs[RUNS_MAX];
	size_t runs_count;
	bool failed;
};

static int
by_attempt(const void *a, const void *b)
{
	const struct sorter_place *x = a, *y = b;
	int order = memcmp(x->attempt, y->attempt, ATTEMPT_ID_BYTES);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

struct sorter *
sorter_new(size_t most)
{
	struct sorter *s = xcalloc(1, sizeof(*s));

	s->most = most > 0 ? most : MOST;
	s->places = xcalloc(s->most, sizeof(*s->places));
	return s;
}

void
sorter_free(struct sorter *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->runs_count; i++)
		if (s->runs[i].file != NULL)
			fclose(s->runs[i].file);
	free(s->places);
	free(s);
}

static void
sort(struct sorter *s)
{
	qsort(s->places, s->count, sizeof(*s->places), by_attempt);
}

static bool
spill(struct sorter *s)
{
	FILE *file;

	if (s->runs_count == RUNS_MAX) {
		errno = EFBIG;
		return false;
	}
	file = tmpfile();
	if (file == NULL)
		return false;
	s->runs[s->runs_count++].file = file;
	sort(s);
	if (fwrite(s->places, sizeof(*s->places), s->count, file) != s->count ||
	    fflush(file) != 0)
		return false;
	rewind(file);
	s->count = 0;
	return true;
}

bool
sorter_put(struct sorter *s, const struct sorter_place *p)
{
	if (s->count == s->most && !spill(s))
		return false;
	s->places[s->count++] = *p;
	return true;
}

static void
advance(struct sorter *s, struct run *r)
{
	r->has_next = fread(&r->next, sizeof(r->next), 1, r->file) == 1;
	if (!r->has_next && ferror(r->file))
		s->failed = true;
}

bool
sorter_begin(struct sorter *s)
{
	size_t i;

	sort(s);
	s->given = 0;
	for (i = 0; i < s->runs_count; i++)
		advance(s, &s->runs[i]);
	return !s->failed;
}

bool
sorter_next(struct sorter *s, struct sorter_place *p)
{
	struct run *least = NULL;
	const struct sorter_place *held =
	    s->given < s->count ? &s->places[s->given] : NULL;
	size_t i;

	for (i = 0; i < s->runs_count; i++) {
		struct run *r = &s->runs[i];

		if (r->has_next &&
		    (least == NULL || by_attempt(&r->next, &least->next) < 0))
			least = r;
	}
	if (least != NULL &&
	    (held == NULL || by_attempt(&least->next, held) < 0)) {
		*p = least->next;
		advance(s, least);
		return true;
	}
	if (held == NULL)
		return false;
	*p = *held;
	s->given++;
	return true;
}

bool
sorter_failed(const struct sorter *s)
{
	return s->failed;
}
