#pragma once
/*
 * session: browsers that signed in with an admin token.  The daemon keeps the
 * token for them, so that no script of a page ever holds it, and checks it at
 * each question as if it had been sent: what is revoked ends here, too.
 *
 * A browser has a cookie of 32 random bytes, of which only the hash is kept,
 * and for changes a second secret that no other site can read.  Nothing is
 * stored: a restart signs everyone out.  Pure; the clerk's thread.
 */
#include "common/base/slice.h"

struct session;
struct sessions;

#define SESSION_CHARS   44 /* of a cookie, or its second secret; with the NUL */
#define SESSIONS_MAX    64 /* the one unused for longest gives way */
#define SESSION_IDLE_S  (30 * 60)
#define SESSION_LIFE_S  (12 * 60 * 60)
#define SESSION_TRIES   10  /* that may fail in a row */
#define SESSION_TRY_S   6   /* then one each so many seconds */
#define SESSION_LONGEST 128 /* bytes of a token */

struct sessions *sessions_new(void);
void sessions_free(struct sessions *s); /* NULL is fine */

/*
 * May anyone try a token now?  Else how many seconds to wait.  Those that
 * failed count, whoever tried: it bounds guesses, and rows of the audit log.
 */
must_check bool sessions_may_try(const struct sessions *s, int64_t mono_us,
    int64_t *wait_s);
void sessions_failed(struct sessions *s, int64_t mono_us);

/* For a token that was found good; writes its cookie. */
struct session *sessions_open(struct sessions *s, struct slice token,
    int64_t mono_us, char cookie[SESSION_CHARS])
    __attribute__((returns_nonnull));

/* NULL when it is unknown or over; else it was used just now. */
struct session *sessions_find(struct sessions *s, struct slice cookie,
    int64_t mono_us);

void sessions_end(struct sessions *s, struct session *session);

/* Good until it ends. */
struct slice session_token(const struct session *session);
const char *session_guard(const struct session *session);

/* Constant time. */
must_check bool session_guarded(const struct session *session,
    struct slice guard);
