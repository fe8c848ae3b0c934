#pragma once
/*
 * amount: money as invoices write it, in billionths of a USD, so that what is
 * less than a micro-USD adds up before it is rounded.  Pure.
 */
#include "common/base/slice.h"

#define AMOUNT_NANO INT64_C(1000000000) /* a USD */

struct amount {
	int64_t nano;
	/*
	 * By how much it may be off: half of its last decimal place, as who
	 * writes 0.05 has rounded; at most half a cent.
	 */
	int64_t grain;
};

/*
 * "12.5", "-0.003835980000000000", "1.2e-05", "$3"; in a unit of ten to
 * `power` USD: 0, or -2 for cents.  False: it is none, or more than 1,000,000
 * USD.
 */
must_check bool amount_read(struct amount *a, struct slice text, int power);

/* To whole micro-USD, half away from zero. */
int64_t amount_microusd(int64_t nano);
