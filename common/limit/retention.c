#include "common/limit/retention.h"

#include "common/base/buf.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
/* A member that is started twice a day still runs once. */
#define RECENT_MS    (20 * HOUR_MS)
#define SOON_MS      MINUTE_MS
#define SOON_SPREAD  (10 * MINUTE_MS)
#define NIGHT_MS     (2 * HOUR_MS)
#define NIGHT_SPREAD (3 * HOUR_MS)

struct class_kind {
	const char *name, *what, *ends;
};

static const struct class_kind kinds[RETENTION_CLASSES] = {
#define RETENTION_CLASS(id, word, holds)                                       \
	[RETENTION_##id] = { #word, (holds),                                   \
		"`retention: {" #word ": …}`; else never" },
#define RETENTION_OTHER(id, word, holds, when)                                 \
	[RETENTION_##id] = { #word, (holds), (when) },
#include "common/limit/retention.def"
#undef RETENTION_CLASS
#undef RETENTION_OTHER
};

const char *retention_name(enum retention_class class)
{
	return kinds[class].name;
}

const char *retention_what(enum retention_class class)
{
	return kinds[class].what;
}

const char *retention_ends(enum retention_class class)
{
	return kinds[class].ends;
}

enum retention_class
retention_by_name(struct slice name)
{
	enum retention_class c = 0;

	while (c < RETENTION_CLASSES && !slice_is(name, kinds[c].name))
		c++;
	return c;
}

struct retention_terms
retention_both(const struct retention_terms *a, const struct retention_terms *b)
{
	struct retention_terms both = *a;
	size_t i;

	for (i = 0; i < RETENTION_LIMITED; i++)
		if (both.keep_ms[i] == 0 ||
		    (b->keep_ms[i] > 0 && b->keep_ms[i] < both.keep_ms[i]))
			both.keep_ms[i] = b->keep_ms[i];
	return both;
}

int64_t
retention_cut_ms(const struct retention_terms *terms,
    enum retention_class class, int64_t now_ms)
{
	int64_t keep = class < RETENTION_LIMITED ? terms->keep_ms[class] : 0;

	return keep > 0 && keep < now_ms ? now_ms - keep : 0;
}

static bool
is_of(const struct retention_hold *hold, enum retention_class class)
{
	return (hold->classes & 1u << class) != 0;
}

bool
retention_held(enum retention_class class, struct retention_span life,
    const struct retention_hold *holds, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (is_of(&holds[i], class) &&
		    holds[i].span.from_ms <= life.to_ms &&
		    holds[i].span.to_ms > life.from_ms)
			return true;
	return false;
}

/* Where the holds that keep this moment end. */
static int64_t
behind_holds(enum retention_class class, int64_t at_ms,
    const struct retention_hold *holds, size_t count)
{
	size_t i = 0;

	while (i < count) {
		if (is_of(&holds[i], class) && holds[i].span.from_ms <= at_ms &&
		    holds[i].span.to_ms > at_ms) {
			at_ms = holds[i].span.to_ms;
			i = 0;
		} else {
			i++;
		}
	}
	return at_ms;
}

bool
retention_next_span(enum retention_class class, struct retention_span within,
    const struct retention_hold *holds, size_t count,
    struct retention_span *span)
{
	size_t i;

	span->from_ms = behind_holds(class, within.from_ms, holds, count);
	span->to_ms = within.to_ms;
	for (i = 0; i < count; i++)
		if (is_of(&holds[i], class) &&
		    holds[i].span.from_ms > span->from_ms &&
		    holds[i].span.from_ms < span->to_ms &&
		    holds[i].span.to_ms > holds[i].span.from_ms)
			span->to_ms = holds[i].span.from_ms;
	return span->from_ms < span->to_ms;
}

int64_t
retention_due_ms(int64_t now_ms, int64_t last_run_ms, uint32_t chance)
{
	int64_t night = now_ms - now_ms % DAY_MS + NIGHT_MS +
			(int64_t)chance % NIGHT_SPREAD;

	/* A run that lies ahead is of a clock that was wrong. */
	if (last_run_ms > now_ms || now_ms - last_run_ms > RECENT_MS)
		return now_ms + SOON_MS + (int64_t)chance % SOON_SPREAD;
	while (night <= now_ms || night - last_run_ms < DAY_MS / 4)
		night += DAY_MS;
	return night;
}

void
retention_docs(struct buf *out)
{
	size_t i;

	buf_puts(out, "\n## retention classes\n\n| class | holds | ends |\n"
		      "|---|---|---|\n");
	for (i = 0; i < RETENTION_CLASSES; i++)
		buf_printf(out, "| `%s` | %s | %s |\n", kinds[i].name,
		    kinds[i].what, kinds[i].ends);
}
