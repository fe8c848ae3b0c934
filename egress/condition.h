#pragma once
/*
 * condition: how each provider account of the running topology, and each
 * target of it, stands with its provider, for people and programs: open or
 * backing off and for what, and what was seen of it lately.  The clerk's
 * thread.
 */
#include "common/format/table.h"

struct egress;

void condition_write(struct egress *g, enum output_format format,
    struct buf *out);
