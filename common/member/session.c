#include "common/member/session.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/base/secret.h"

#define RANDOM_BYTES 32
#define TRY_US       (SESSION_TRY_S * (int64_t)US_PER_SECOND)

struct session {
	struct secret *token; /* NULL: nobody */
	struct hash cookie;
	char guard[SESSION_CHARS];
	int64_t opened_us, used_us;
};

struct sessions {
	struct session all[SESSIONS_MAX];
	/* When all failures are forgotten; each adds TRY_US. */
	int64_t forgotten_us;
};

_Static_assert(BASE64_CHARS(RANDOM_BYTES) + 1 == SESSION_CHARS,
    "a cookie is 32 bytes");

struct sessions *
sessions_new(void)
{
	return xcalloc(1, sizeof(struct sessions));
}

void
sessions_free(struct sessions *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < SESSIONS_MAX; i++)
		sessions_end(s, &s->all[i]);
	free(s);
}

bool
sessions_may_try(const struct sessions *s, int64_t mono_us, int64_t *wait_s)
{
	int64_t over = s->forgotten_us - mono_us - (SESSION_TRIES - 1) * TRY_US;

	*wait_s = 0;
	if (over <= 0)
		return true;
	*wait_s = (over + US_PER_SECOND - 1) / US_PER_SECOND;
	return false;
}

void
sessions_failed(struct sessions *s, int64_t mono_us)
{
	s->forgotten_us = max_i64(s->forgotten_us, mono_us) + TRY_US;
}

static bool
is_over(const struct session *session, int64_t mono_us)
{
	return mono_us - session->opened_us >=
		   SESSION_LIFE_S * (int64_t)US_PER_SECOND ||
	       mono_us - session->used_us >=
		   SESSION_IDLE_S * (int64_t)US_PER_SECOND;
}

static void
make_secret(char text[SESSION_CHARS])
{
	uint8_t bytes[RANDOM_BYTES];

	crypto_random(bytes, sizeof(bytes));
	base64_write(text, bytes, sizeof(bytes));
	text[SESSION_CHARS - 1] = '\0';
	crypto_wipe(bytes, sizeof(bytes));
}

/* A free place, or that of the one unused for longest. */
static struct session *
find_place(struct sessions *s, int64_t mono_us)
{
	struct session *place = &s->all[0];
	size_t i;

	for (i = 0; i < SESSIONS_MAX; i++) {
		struct session *one = &s->all[i];

		if (one->token == NULL || is_over(one, mono_us))
			return one;
		if (one->used_us < place->used_us)
			place = one;
	}
	return place;
}

struct session *
sessions_open(struct sessions *s, struct slice token, int64_t mono_us,
    char cookie[SESSION_CHARS])
{
	struct session *session = find_place(s, mono_us);

	assert(token.len > 0 && token.len <= SESSION_LONGEST);
	sessions_end(s, session);
	session->token = secret_new(token.ptr, token.len);
	session->opened_us = session->used_us = mono_us;
	make_secret(session->guard);
	make_secret(cookie);
	session->cookie = hash_of(cookie, SESSION_CHARS - 1);
	return session;
}

struct session *
sessions_find(struct sessions *s, struct slice cookie, int64_t mono_us)
{
	struct session *found = NULL;
	struct hash hash;
	size_t i;

	if (cookie.len != SESSION_CHARS - 1)
		return NULL;
	hash = hash_of(cookie.ptr, cookie.len);
	for (i = 0; i < SESSIONS_MAX; i++)
		if (s->all[i].token != NULL &&
		    crypto_equal(&s->all[i].cookie, &hash, sizeof(hash)))
			found = &s->all[i];
	if (found == NULL)
		return NULL;
	if (is_over(found, mono_us)) {
		sessions_end(s, found);
		return NULL;
	}
	found->used_us = mono_us;
	return found;
}

void
sessions_end(struct sessions *s, struct session *session)
{
	assert(session >= s->all && session < s->all + SESSIONS_MAX);
	secret_free(session->token);
	crypto_wipe(session, sizeof(*session));
}

struct slice
session_token(const struct session *session)
{
	return secret_view(session->token);
}

const char *
session_guard(const struct session *session)
{
	return session->guard;
}

bool
session_guarded(const struct session *session, struct slice guard)
{
	return guard.len == SESSION_CHARS - 1 &&
	       crypto_equal(session->guard, guard.ptr, guard.len);
}
