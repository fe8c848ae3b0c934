#pragma once
/*
 * gauge: how many tokens a text is, by the classes of its bytes alone: a word
 * is one, a number a token every three digits, and so on.  Centred on
 * measured tokenizers (o200k): within 12 % on code, prose, JSON and digits,
 * more for scripts that tokenizers treat unevenly.  Pure.
 */
#include "common/base/slice.h"

/* A gauge's unit: this many are one token. */
#define GAUGE_UNITS 1000

/*
 * Units of a JSON text, or of what stands between a string's quotes: escapes
 * count as the characters they are.
 */
int64_t gauge_text(struct slice json);
