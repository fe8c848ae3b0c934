#include "common/llm/shape.h"
#include "node/strategy/plan.h"

#define LENGTH_SHARE     0.40
#define TURNS_SHARE      0.20
#define TOOLS_SHARE      0.15
#define REASONING_SHARE  0.15
#define STRUCTURED_SHARE 0.10

/*
 * The doublings from 2^least to 2^least + n, of those up to 2^most: 0 to 1.
 * Between two powers of two a straight line stands for the logarithm.
 */
static double
doublings(int64_t n, int least, int most)
{
	uint64_t x = ((uint64_t)1 << least) + (uint64_t)max_i64(0, n);
	int whole = 63 - __builtin_clzll(x);
	double part = (double)(x - ((uint64_t)1 << whole)) /
		      (double)((uint64_t)1 << whole);

	if (whole >= most)
		return 1;
	return (whole - least + part) / (most - least);
}

double
complexity_of(const struct shape *shape)
{
	return LENGTH_SHARE * doublings(shape->input_estimate_tokens, 9, 17) +
	       TURNS_SHARE * doublings(shape->messages, 2, 6) +
	       TOOLS_SHARE * shape->tools + REASONING_SHARE * shape->reasoning +
	       STRUCTURED_SHARE * shape->structured;
}
