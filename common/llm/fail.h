#pragma once
/*
 * fail: the one table of how requests fail (fail.def), with the bodies and
 * the last events that each dialect's clients expect, also of what a provider
 * said when it failed.  Pure.
 */
#include "common/base/slice.h"
#include "common/llm/shape.h"

struct buf;

enum fail {
	FAIL_NONE,
#define FAIL(name, text, status, retryable, type, code, m_status, m_type,      \
    what)                                                                      \
	FAIL_##name,
#include "common/llm/fail.def"
#undef FAIL
	FAIL_COUNT
};

const char *fail_name(enum fail f); /* "" for FAIL_NONE */
int fail_status(enum fail f, enum dialect caller);
bool fail_retryable(enum fail f); /* the same request again, later */
const char *fail_text(enum fail f);

/* The dialect's own words; Messages has no code, and a null one is "". */
const char *fail_type(enum fail f, enum dialect caller);
const char *fail_code(enum fail f);

/* FAIL_NONE when no row has that name. */
enum fail fail_by_name(struct slice name);

/*
 * Append the JSON error body of the dialect.  `detail` is put behind the
 * table's text (a constant or checked text; never content); `request_id`
 * ("req_…") may be empty.
 */
void fail_body(struct buf *out, enum dialect dialect, enum fail f,
    struct slice detail, struct slice request_id);

/* Where in the caller's stream a failure ends it; all may be empty. */
struct fail_place {
	struct slice request_id;
	/* For Responses: of the response as the caller knows it. */
	struct slice response_id, model;
	int64_t sequence;   /* of the failing event: one above the last */
	int64_t created_at; /* Unix seconds; 0: not known */
};

/* The same as the event that ends a stream after its first content. */
void fail_event(struct buf *out, enum dialect dialect, enum fail f,
    struct slice detail, const struct fail_place *place);

/*
 * What a provider's status and error body mean for us.  Status 0 with a body
 * is an error event inside a stream, without one: no answer came.  FAIL_NONE
 * for 2xx unless the body has an error in it.
 */
enum fail fail_of_provider(int status, struct slice body);

/* What a provider said when it refused, and the key that it may echo. */
struct provider_error {
	int status; /* 0 or 2xx: it came inside an answer */
	struct slice body;
	struct slice secret;  /* empty: none to look for */
	enum dialect dialect; /* of the body */
};

/*
 * A provider's error, made fit for the caller; every occurrence of the secret
 * and everything that looks like a key replaced, its message cut at 2 KiB.
 * In the provider's own dialect it keeps its type, code, param and message;
 * in another one it is said in the words that the caller's clients act on.
 */
void fail_provider_body(struct buf *out, enum dialect caller,
    const struct provider_error *error, struct slice request_id);

/* The same as the event that ends a stream. */
void fail_provider_event(struct buf *out, enum dialect caller,
    const struct provider_error *error, const struct fail_place *place);

/* The HTTP status to tell with it. */
int fail_provider_status(const struct provider_error *error,
    enum dialect caller);

/*
 * How long it asks to wait in its words, for when no header said it;
 * milliseconds, 0 when it does not, or when no wait would help.
 */
int64_t fail_provider_retry_after_ms(const struct provider_error *error);

/* What stands in an error; empty code and param are null. */
struct error_words {
	struct slice message, type, code, param;
	struct slice error_code; /* Messages' details.error_code, or empty */
};

/* For who has the words: the body, and the last event of a stream. */
void fail_write(struct buf *out, enum dialect dialect,
    const struct error_words *words, struct slice request_id);
void fail_write_event(struct buf *out, enum dialect dialect,
    const struct error_words *words, const struct fail_place *place);
