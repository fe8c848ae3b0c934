#include "common/cmd/span.h"

#include <stdlib.h>

#include "common/base/clock.h"

bool
span_parse(const char *text, int64_t *us)
{
	char *end;
	long long n = strtoll(text, &end, 10);
	int64_t unit;

	switch (*end) {
	case 's':
		unit = 1;
		break;
	case 'm':
		unit = 60;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = 86400;
		break;
	default:
		return false;
	}
	if (n <= 0 || n >= 100000)
		return false;
	*us = n * unit * US_PER_SECOND;
	return end[1] == '\0';
}
