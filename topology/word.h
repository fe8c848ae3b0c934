#pragma once
/*
 * word: the values that are one of a few words, with the tables that the
 * words come from.  Pure.
 */
#include "topology/value.h"

/* Of a type from VALUE_ROLE on. */
const struct value_spec *word_spec(enum value_type type);
