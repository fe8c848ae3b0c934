#pragma once
/* span: a length of time as people write it in options. */
#include "common/base/lang.h"

/* "30d", "12h", "15m", "90s"; false for anything else. */
must_check bool span_parse(const char *text, int64_t *us);
