#pragma once
/*
 * finding: a balance as people read it, or as JSON.  Pure.
 */
#include "common/invoice/balance.h"

/* What is said beside it. */
struct finding {
	const struct balance *balance;
	const struct bookings *bookings;
	const char *layouts; /* what the files were taken for */
};

void finding_text(struct buf *out, const struct finding *f);
void finding_json(struct buf *out, const struct finding *f);
