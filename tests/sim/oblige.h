#pragma once
/*
 * oblige: what a capable model would do with a body, put into the call's
 * script: the calls of the tools it lists, or of the one that is forced; JSON
 * of the schema; thinking where it is asked for; no more than the cap.  Of a
 * body it does not understand it makes nothing.
 */
#include "tests/sim/script.h"

void oblige(struct script *s, const char *body, size_t len);
