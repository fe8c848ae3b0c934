#pragma once
/*
 * closing: a request's last rows, with all that goes into the store beside
 * them, and what it held given back: every way out comes through here, once.
 */
#include "common/base/lang.h"

struct request;

/* False: it leaves no rows.  Else the request is run again when they are in
 * the store. */
must_check bool closing_write(struct request *r);
