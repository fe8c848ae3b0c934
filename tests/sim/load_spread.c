#include "tests/sim/load_spread.h"

void
spread_add(struct spread *s, int64_t us)
{
	s->count++;
	if (us < SPREAD_CELLS)
		s->us[us < 0 ? 0 : us]++;
	else if (us / 1000 < SPREAD_CELLS)
		s->ms[us / 1000]++;
	else
		s->ms[SPREAD_CELLS - 1]++;
}

int64_t
spread_at(const struct spread *s, double share)
{
	uint64_t want = (uint64_t)(share * (double)s->count), seen = 0;
	int64_t i;

	if (!s->count)
		return 0;
	for (i = 0; i < SPREAD_CELLS; i++)
		if ((seen += s->us[i]) > want)
			return i;
	for (i = 0; i < SPREAD_CELLS; i++)
		if ((seen += s->ms[i]) > want)
			return i * 1000;
	return (SPREAD_CELLS - 1) * 1000;
}
