#include "node/strategy/draw.h"

/* SplitMix64 (Steele, Lea, Flood 2014): a counter, and a mix of its bits. */
#define STEP 0x9e3779b97f4a7c15u

static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* Mixed, or seeds a step apart would give the same draws, shifted. */
struct draw
draw_of(uint64_t seed)
{
	return (struct draw){ mix(seed + STEP) };
}

/* By the high bits of a product: for any end below 2^40 the bias is nothing. */
uint64_t
draw_below(struct draw *d, uint64_t end)
{
	d->state += STEP;
	return (uint64_t)(((unsigned __int128)mix(d->state) * end) >> 64);
}
