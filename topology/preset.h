#pragma once
/*
 * preset: how each type of provider wants to be spoken to, as one table.
 */
#include "topology/provider.h"

/* NULL when there is no such type. */
const struct provider_type *preset_find(struct slice name);

/* The i-th type, or NULL behind the last. */
const struct provider_type *preset_at(size_t i);

/* The name of the i-th type, or NULL behind the last. */
const char *preset_name(size_t i);
