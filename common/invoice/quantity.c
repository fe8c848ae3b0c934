#include "common/invoice/quantity.h"

static const struct {
	const char *name;
	enum cell_type type;
} kinds[QUANTITIES] = {
#define QUANTITY(id, name, type) [QUANTITY_##id] = { #name, CELL_##type },
#include "common/invoice/quantity.def"
#undef QUANTITY
};

const char *
quantity_name(enum quantity q)
{
	return kinds[q].name;
}

enum cell_type
quantity_type(enum quantity q)
{
	return kinds[q].type;
}

bool
quantity_is_tokens(enum quantity q)
{
	return q >= QUANTITY_INPUT && q <= QUANTITY_OUTPUT;
}

bool
quantities_add(struct quantities *to, const struct quantities *by, int sign)
{
	enum quantity q;

	for (q = 0; q < QUANTITIES; q++) {
		to->of[q] += sign * by->of[q];
		if (to->of[q] > QUANTITY_MAX || to->of[q] < -QUANTITY_MAX)
			return false;
	}
	return true;
}

bool
quantities_none(const struct quantities *q)
{
	enum quantity i;

	for (i = 0; i < QUANTITIES; i++)
		if (q->of[i] != 0)
			return false;
	return true;
}
