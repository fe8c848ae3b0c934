#include "common/limit/retries.h"

#define SAVED_MAX (RETRIES_RESERVE * RETRIES_SHARE)

void
retries_init(struct retries *r)
{
	atomic_init(&r->saved, SAVED_MAX);
}

void
retries_earn(struct retries *r)
{
	int saved = atomic_load(&r->saved);

	do {
		if (saved >= SAVED_MAX)
			return;
	} while (!atomic_compare_exchange_weak(&r->saved, &saved, saved + 1));
}

bool
retries_take(struct retries *r)
{
	int saved = atomic_load(&r->saved);

	do {
		if (saved < RETRIES_SHARE)
			return false;
	} while (!atomic_compare_exchange_weak(&r->saved, &saved,
	    saved - RETRIES_SHARE));
	return true;
}
