#pragma once
/*
 * tag: what a caller says of a request for reports and policies, in the
 * header X-Router-Tags: k=v,k=v.  Words only, few and short, since they are
 * stored.  Pure.
 */
#include "common/base/slice.h"

struct arena;

#define TAGS_MAX      8
#define TAG_KEY_MAX   32 /* of a-z, 0-9, '_', '-' and '.' */
#define TAG_VALUE_MAX 64 /* those, capitals, ':', '/', '@' and '+' */

/*
 * The tags as "k=v,k=v" without spaces, "" for no header.  False and *why (a
 * constant) when they are not such a list, or a key comes twice.
 */
must_check bool tags_read(struct slice *tags, struct arena *arena,
    struct slice header, const char **why);
