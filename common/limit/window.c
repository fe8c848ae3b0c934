#include "common/limit/window.h"

#include <string.h>

#define MIDDLE_PERCENT 115 /* of where a bin begins: the root of 1.33 */

/* Where each bin begins, microseconds. */
static const int64_t begins[WINDOW_BINS] = { 1000, 1330, 1769, 2353, 3129, 4162,
	5535, 7361, 9791, 13022, 17319, 23034, 30635, 40745, 54190, 72073,
	95858, 127491, 169562, 225518, 299939, 398919, 530562, 705647, 938511,
	1248220, 1660132, 2207976, 2936608, 3905688, 5194566, 6908772, 9188667,
	12220927, 16253833, 21617598, 28751405, 38239369, 50858361, 67641620,
	89963354, 119651261, 159136177, 211651115, 281495984, 374389658,
	497938245, 662257866 };

/* The last bin that does not begin after `us`, or the first. */
static size_t
bin_of(int64_t us)
{
	size_t low = 0, high = WINDOW_BINS, middle;

	while (high - low > 1) {
		middle = (low + high) / 2;
		if (begins[middle] <= us)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void
take_out(struct window *w, struct window_slice *s)
{
	size_t i;

	w->sum.attempts -= s->attempts;
	w->sum.failures -= s->failures;
	w->sum.output_tokens -= s->output_tokens;
	w->sum.output_us -= s->output_us;
	for (i = 0; i < WINDOW_BINS; i++) {
		w->sum.ttft[i] -= s->ttft[i];
		w->sum.total[i] -= s->total[i];
	}
	*s = (struct window_slice){ 0 };
}

/* Let go of the slices that are over. */
static void
advance(struct window *w, int64_t now_us)
{
	int64_t steps = (now_us - w->begun_us) / WINDOW_SLICE_US;

	if (steps <= 0)
		return;
	w->begun_us += steps * WINDOW_SLICE_US;
	if (steps >= WINDOW_SLICES) {
		memset(w->slices, 0, sizeof(w->slices));
		w->sum = (struct window_slice){ 0 };
		return;
	}
	for (; steps > 0; steps--) {
		w->newest = (w->newest + 1) % WINDOW_SLICES;
		take_out(w, &w->slices[w->newest]);
	}
}

static void
note(struct window_slice *s, const struct window_seen *seen)
{
	int64_t output_us = seen->total_us - seen->ttft_us;

	s->attempts++;
	s->failures += seen->failed;
	if (seen->ttft_us > 0)
		s->ttft[bin_of(seen->ttft_us)]++;
	if (seen->failed || seen->total_us <= 0)
		return;
	s->total[bin_of(seen->total_us)]++;
	if (seen->ttft_us > 0 && output_us > 0 && seen->output_tokens > 0) {
		s->output_tokens += (uint64_t)seen->output_tokens;
		s->output_us += (uint64_t)output_us;
	}
}

void
window_add(struct window *w, const struct window_seen *seen, int64_t now_us)
{
	advance(w, now_us);
	note(&w->slices[w->newest], seen);
	note(&w->sum, seen);
}

/* The bin with the value of that rank, which is there. */
static int64_t
middle_at(const uint32_t bins[WINDOW_BINS], uint64_t rank)
{
	uint64_t seen = 0;
	size_t i;

	for (i = 0; i < WINDOW_BINS - 1; i++) {
		seen += bins[i];
		if (seen >= rank)
			break;
	}
	return begins[i] * MIDDLE_PERCENT / 100;
}

static void
look_at(const uint32_t bins[WINDOW_BINS], int64_t *p50_us, int64_t *p95_us)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < WINDOW_BINS; i++)
		count += bins[i];
	*p50_us = *p95_us = 0;
	if (count == 0)
		return;
	*p50_us = middle_at(bins, (count + 1) / 2);
	*p95_us = middle_at(bins, (count * 95 + 99) / 100);
}

void
window_look(struct window *w, struct sight *sight, int64_t now_us)
{
	const struct window_slice *sum = &w->sum;

	advance(w, now_us);
	sight->attempts = sum->attempts;
	sight->failures = sum->failures;
	look_at(sum->ttft, &sight->ttft_p50_us, &sight->ttft_p95_us);
	look_at(sum->total, &sight->total_p50_us, &sight->total_p95_us);
	sight->tokens_per_s = 0;
	if (sum->output_us > 0)
		sight->tokens_per_s =
		    (double)sum->output_tokens * 1e6 / (double)sum->output_us;
}
