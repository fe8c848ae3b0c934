#pragma once
/*
 * monthly: `report --final`: a month is closed by the running daemon, or by
 * the command where none runs.
 */
#include "common/base/lang.h"

struct monthly_options {
	const char *state, *topology, *month, *program;
	bool unvouched;
};

/* Gives the exit status. */
int monthly_close(const struct monthly_options *o);
