#pragma once
/*
 * compiler: TypeScript's own, which checks a policy against policy.d.ts and
 * makes JavaScript of it.  It is looked for as told, in $GSR_TSC, as `tsc` in
 * $PATH, and where scripts/deps puts it.  For commands; the daemon never runs
 * it: it loads what this has made.
 */
#include "common/base/slice.h"

struct buf;

/* The types of a policy's input and answer, as text. */
struct slice compiler_types(void);

/*
 * Compile the .ts file at `path` to one ES module in `js`, whose first line is
 *
 *     // gsr-policy 1 source=<BLAKE2b-256 of the file> typescript=<version>
 *
 * False and lines "file:line:col: error TSn: …" in `why` when it is refused;
 * `tsc` may be NULL.
 */
must_check bool compiler_run(const char *tsc, const char *path, struct buf *js,
    struct buf *why);
