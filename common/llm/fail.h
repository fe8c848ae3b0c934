#pragma once
/*
 * fail: the one table of how requests fail (fail.def), with the bodies that
 * each dialect's clients expect.  Pure.
 */
#include "common/base/slice.h"
#include "common/llm/shape.h"

struct buf;

enum fail {
	FAIL_NONE,
#define FAIL(name, text, status, retryable, type, code, what) FAIL_##name,
#include "common/llm/fail.def"
#undef FAIL
	FAIL_COUNT
};

const char *fail_name(enum fail f); /* "" for FAIL_NONE */
int fail_status(enum fail f);
bool fail_retryable(enum fail f);
const char *fail_text(enum fail f);

/* FAIL_NONE when no row has that name. */
enum fail fail_by_name(struct slice name);

/*
 * Append the JSON error body of the dialect.  `detail` is put behind the
 * table's text (a constant or checked text; never content); `request_id`
 * ("req_…") may be empty.
 */
void fail_body(struct buf *out, enum dialect dialect, enum fail f,
    struct slice detail, struct slice request_id);

/* The same as the event that ends a stream after its first content. */
void fail_event(struct buf *out, enum dialect dialect, enum fail f,
    struct slice detail, struct slice request_id);

/*
 * What a provider's status (0: none came) and error body mean for us:
 * 429 by its quota markers, 401/403/404 and 5xx as upstream failures, other
 * 4xx as PROVIDER_REFUSED.  FAIL_NONE for 2xx.
 */
enum fail fail_of_provider(int status, struct slice body);

/* What a provider said when it refused, and the key that it may echo. */
struct provider_error {
	int status;
	struct slice body;
	struct slice secret; /* empty: none to look for */
};

/*
 * A provider's error, made fit for the caller: its type, code, param and
 * message (cut at 2 KiB), every occurrence of the secret and everything that
 * looks like a key replaced.  In the dialect's shape, whatever came.
 */
void fail_provider_body(struct buf *out, enum dialect dialect,
    const struct provider_error *error, struct slice request_id);

/* The seconds of a Retry-After header, as milliseconds; 0: none, or a date. */
int64_t retry_after_ms(struct slice header);
