#include "common/llm/failure.h"

#include "common/base/arena.h"
#include "common/llm/complaint.h"

static const struct {
	const char *name, *signals;
	bool again;
	enum failure_other other;
} table[FAILURES] = {
	[FAILURE_NONE] = { "", "", false, OTHER_NO },
#define FAILURE(id, text, once, next, backoff, what)                           \
	[FAILURE_##id] = { text, what, once, (enum failure_other)(next) },
#include "common/llm/failure.def"
#undef FAILURE
};

/*
 * What our own errors are, where a provider said nothing, or another member
 * said them.  Those that are not listed are a member's own troubles.
 */
static const struct {
	enum fail fail;
	enum failure class;
} classes[] = {
	/* Of the request, whoever gets it. */
	{ FAIL_INVALID_REQUEST, FAILURE_MALFORMED },
	{ FAIL_THREAD_NOT_SERVED, FAILURE_MALFORMED },
	{ FAIL_UNSUPPORTED_MEDIA, FAILURE_MALFORMED },
	{ FAIL_UPGRADE_REFUSED, FAILURE_MALFORMED },
	{ FAIL_PROVIDER_REFUSED, FAILURE_MALFORMED },
	{ FAIL_REQUEST_TOO_LARGE, FAILURE_TOO_LARGE },
	{ FAIL_HEADERS_TOO_LARGE, FAILURE_TOO_LARGE },
	/* Of our token at a member that is our provider, or of its groups. */
	{ FAIL_UNAUTHORIZED, FAILURE_AUTH },
	{ FAIL_TOKEN_EXPIRED, FAILURE_AUTH },
	{ FAIL_TOKEN_REVOKED, FAILURE_AUTH },
	{ FAIL_GROUP_NOT_ALLOWED, FAILURE_AUTH },
	{ FAIL_UNKNOWN_GROUP, FAILURE_NOT_FOUND },
	{ FAIL_NOT_FOUND, FAILURE_NOT_FOUND },
	{ FAIL_METHOD_NOT_ALLOWED, FAILURE_NOT_FOUND },
	/* Of the provider. */
	{ FAIL_UPSTREAM_RATE_LIMITED, FAILURE_RATE },
	{ FAIL_UPSTREAM_QUOTA_EXHAUSTED, FAILURE_QUOTA },
	{ FAIL_UPSTREAM_OVERLOADED, FAILURE_OVERLOADED },
	{ FAIL_UPSTREAM_TIMEOUT, FAILURE_TIMEOUT },
	{ FAIL_UPSTREAM_CAPACITY_THROTTLED, FAILURE_THROTTLED },
	/* Of a member that calls nobody then; others may have room. */
	{ FAIL_RATE_LIMITED, FAILURE_THROTTLED },
	{ FAIL_CONCURRENCY_EXCEEDED, FAILURE_THROTTLED },
	{ FAIL_TRAFFIC_SHAPED, FAILURE_THROTTLED },
	{ FAIL_BUDGET_EXHAUSTED, FAILURE_THROTTLED },
};

const char *
failure_name(enum failure f)
{
	return table[f].name;
}

const char *
failure_signals(enum failure f)
{
	return table[f].signals;
}

enum failure
failure_by_name(struct slice name)
{
	size_t i;

	for (i = 1; i < FAILURES; i++)
		if (slice_is(name, table[i].name))
			return (enum failure)i;
	return FAILURE_NONE;
}

bool
failure_again(enum failure f)
{
	return table[f].again;
}

bool
failure_of_account(enum failure f, int status)
{
	return f == FAILURE_QUOTA || (f == FAILURE_AUTH && status != 403);
}

enum failure_other
failure_other(enum failure f)
{
	return table[f].other;
}

static enum failure
class_of_fail(enum fail fail)
{
	size_t i;

	for (i = 0; i < count_of(classes); i++)
		if (classes[i].fail == fail)
			return classes[i].class;
	return FAILURE_MEMBER;
}

static enum failure
class_of_status(int status)
{
	switch (status) {
	case 408:
		return FAILURE_TIMEOUT;
	case 424: /* Groq: what it depends on failed */
	case 499: /* Groq: cancelled */
		return FAILURE_SERVER;
	default:
		return status >= 400 && status < 500 ? FAILURE_MALFORMED
						     : FAILURE_SERVER;
	}
}

static enum failure
class_of_complaint(const struct complaint *c, int status)
{
	/* What a server says of the request while it fails is no verdict. */
	bool down = status >= 500;

	switch (complaint_classify(c, status)) {
	case COMPLAINT_QUOTA:
		return FAILURE_QUOTA;
	case COMPLAINT_RATE:
		return FAILURE_RATE;
	case COMPLAINT_OVERLOADED:
		return FAILURE_OVERLOADED;
	case COMPLAINT_AUTH:
		return FAILURE_AUTH;
	case COMPLAINT_MODEL:
		return FAILURE_NOT_FOUND;
	case COMPLAINT_CONTEXT:
		return down ? FAILURE_SERVER : FAILURE_CONTEXT;
	case COMPLAINT_POLICY:
		return down ? FAILURE_SERVER : FAILURE_POLICY;
	case COMPLAINT_SIZE:
		/* Over a whole minute's tokens of this model: no other's. */
		if (status == 429 || slice_is(c->code, "rate_limit_exceeded"))
			return FAILURE_CONTEXT;
		return down ? FAILURE_SERVER : FAILURE_TOO_LARGE;
	case COMPLAINT_FALTER:
		return FAILURE_BAD_BODY;
	case COMPLAINT_OTHER:
		break;
	}
	return class_of_status(status);
}

/* Answers of 2xx are read for an error; others are one. */
static enum failure
class_of_words(const struct failure_signs *s)
{
	bool inside = s->status / 100 == 2;
	enum failure class;
	struct complaint c;
	struct arena arena;

	arena_init(&arena, COMPLAINT_ARENA_BYTES);
	complaint_read(&c, &arena, s->body);
	if (inside && !c.stated)
		class = FAILURE_BAD_BODY;
	else
		class = class_of_complaint(&c, inside ? 0 : s->status);
	arena_fini(&arena);
	return class;
}

/*
 * The provider is a member of a mesh.  Its own provider's rate or quota is
 * not this provider's; what it says of the request or our token holds here.
 */
static enum failure
class_of_member(const struct failure_signs *s)
{
	enum fail said = fail_by_name(s->router_error);
	enum failure class = class_of_fail(said);

	if (said == FAIL_PROVIDER_REFUSED)
		class = class_of_words(s);
	switch (class) {
	case FAILURE_MALFORMED:
	case FAILURE_TOO_LARGE:
	case FAILURE_CONTEXT:
	case FAILURE_POLICY:
		return class;
	case FAILURE_AUTH:
	case FAILURE_NOT_FOUND:
		return said == FAIL_PROVIDER_REFUSED ? FAILURE_MEMBER : class;
	default:
		return FAILURE_MEMBER;
	}
}

/* Did the provider, or nobody, fail to answer? */
static bool
is_of_provider(enum fail fail)
{
	switch (fail) {
	case FAIL_UPSTREAM_FAILED:
	case FAIL_UPSTREAM_RATE_LIMITED:
	case FAIL_UPSTREAM_QUOTA_EXHAUSTED:
	case FAIL_UPSTREAM_OVERLOADED:
	case FAIL_UPSTREAM_TIMEOUT:
	case FAIL_PROVIDER_REFUSED:
		return true;
	default:
		return false;
	}
}

enum failure
failure_of(const struct failure_signs *s)
{
	enum failure told = failure_by_name(s->told);

	if (s->fail == FAIL_NONE || s->fail == FAIL_CLIENT_GONE)
		return FAILURE_NONE;
	if (s->router_error.len > 0)
		return class_of_member(s);
	if (!is_of_provider(s->fail))
		return class_of_fail(s->fail);
	if (s->refused)
		return FAILURE_THROTTLED;
	if (told != FAILURE_NONE)
		return told;
	if (s->keyless)
		return FAILURE_AUTH;
	/* A status that says it all does so also when the rest is late. */
	if (s->status >= 400 && s->status < 600)
		return class_of_words(s);
	if (s->fail == FAIL_UPSTREAM_TIMEOUT)
		return FAILURE_TIMEOUT;
	if (s->body.len > 0 && (s->status == 0 || s->status / 100 == 2))
		return class_of_words(s);
	if (s->fail != FAIL_UPSTREAM_FAILED)
		return class_of_fail(s->fail);
	return s->status == 0 ? FAILURE_NETWORK : FAILURE_BAD_BODY;
}
