#pragma once
/*
 * residual: the names of what an invoice and the ledger differ by.  Pure.
 */
#include "common/base/lang.h"

struct buf;

enum residual {
#define RESIDUAL(id, name, explained, rule) RESIDUAL_##id,
#include "common/invoice/residual.def"
#undef RESIDUAL
	RESIDUALS
};

const char *residual_name(enum residual r); /* "day-edge" */
const char *residual_rule(enum residual r);

/* Does it need nobody? */
must_check bool residual_explains(enum residual r);

/* All of them, as Markdown. */
void residual_docs(struct buf *out);
