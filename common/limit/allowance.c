#include "common/limit/allowance.h"

#include <assert.h>

void
allowance_init(struct allowance *a, size_t max)
{
	atomic_init(&a->held, 0);
	a->max = max;
}

bool
allowance_take(struct allowance *a, size_t bytes)
{
	size_t held = atomic_load(&a->held);

	do {
		if (bytes > a->max || held > a->max - bytes)
			return false;
	} while (!atomic_compare_exchange_weak(&a->held, &held, held + bytes));
	return true;
}

void
allowance_give(struct allowance *a, size_t bytes)
{
	size_t held = atomic_fetch_sub(&a->held, bytes);

	assert(held >= bytes);
}
