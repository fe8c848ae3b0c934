/* Exports come from anywhere: what is read of one is in range, and what it
 * differs by from an empty ledger is all of it. */
#include <assert.h>

#include "common/base/buf.h"
#include "common/invoice/balance.h"
#include "common/invoice/finding.h"

#define OUT_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(const struct invoice *i)
{
	const struct cell *cell;
	struct bookings bookings;
	struct balance balance;
	struct buf out;
	enum residual r;
	enum quantity q;
	int64_t sum;
	size_t n;

	bookings_init(&bookings, i, slice_of("p"), slice_of("m"));
	assert(i->first_day <= i->last_day);
	for (n = 0; (cell = cells_at(i->cells, n)) != NULL; n++)
		assert(cell->day >= i->first_day && cell->day <= i->last_day);
	if (balance_run(&bookings, &balance)) {
		for (q = 0; q < QUANTITIES; q++) {
			for (sum = 0, r = 0; r < RESIDUALS; r++)
				sum += balance.parts[r].of[q];
			assert(sum == balance.invoice.of[q]);
		}
		const struct finding f = { &balance, &bookings, "x" };

		buf_init(&out, OUT_MAX);
		finding_json(&out, &f);
		finding_text(&out, &f);
		buf_fini(&out);
	}
	bookings_fini(&bookings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct aliases aliases = { 0 };
	struct invoice i = { .cells = cells_new(&aliases) };
	struct taken taken;
	struct buf copy, why;

	buf_init(&copy, INVOICE_BYTES_MAX);
	buf_init(&why, OUT_MAX);
	buf_put(&copy, bytes, len);
	if (invoice_take(&i, (char *)copy.data, copy.len, &taken, &why)) {
		assert(taken.layout != NULL && taken.vendor != NULL);
		if (i.has_days && invoice_settle(&i))
			check(&i);
	} else {
		assert(why.len > 0);
	}
	cells_free(i.cells);
	buf_fini(&copy);
	buf_fini(&why);
	return 0;
}
