#pragma once
/*
 * number: the values that are numbers, and the units that they come in.
 * Pure.
 */
#include "topology/value.h"

/* Of a type from VALUE_DURATION to the words. */
const struct value_spec *number_spec(enum value_type type);

/* Decimal digits only; false beyond max. */
must_check bool number_digits(struct slice text, int64_t max, int64_t *number);
