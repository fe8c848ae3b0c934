#include "node/policy/sandbox.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "node/policy/guest.h"

#define LOAD_CPU_US  INT64_C(200000)
#define LOAD_WALL_US INT64_C(1000000)

struct sandbox {
	struct guest *guest;
	guest_ref run; /* the function that boot.js made of the policy */
	int64_t cpu_us, wall_us;
};

_Static_assert(SANDBOX_MEMORY_MIN == GUEST_MEMORY_MIN &&
		   SANDBOX_MEMORY_MAX == GUEST_MEMORY_MAX,
    "what is promised can be had");

static const char boot[] =
#include <policy_boot.inc>
    ;

/* What a run of the guest is given and gives. */
struct exchange {
	const struct sandbox_spec *spec;
	const struct sandbox_ask *ask;
	guest_ref run;    /* of the sandbox */
	guest_ref answer; /* where its characters are */
	bool thrown;
};

static void
take(struct guest *g, struct exchange *x, guest_ref value)
{
	guest_ref error = guest_error(g, value);

	x->thrown = error != 0;
	x->answer = guest_characters(g, x->thrown ? error : value);
}

static void
load(struct guest *g, void *arg)
{
	struct exchange *x = arg;
	guest_ref open, space, error;

	guest_start(g);
	open = guest_eval(g, slice_make(boot, sizeof(boot) - 1), "boot.js",
	    GUEST_SCRIPT);
	space = guest_eval(g, x->spec->source, x->spec->name, GUEST_MODULE);
	error = guest_error(g, space);
	x->run = guest_call(g, open,
	    (guest_ref[]){ space, error != 0 ? error : guest_undefined(g) }, 2);
	error = guest_error(g, x->run);
	if (error != 0)
		take(g, x, error);
	x->thrown = error != 0;
}

static void
call(struct guest *g, void *arg)
{
	struct exchange *x = arg;

	take(g, x,
	    guest_call(g, x->run,
		(guest_ref[]){ guest_string(g, x->ask->input),
		    guest_number(g, x->ask->seed) },
		2));
}

static const char *
end_text(enum sandbox_end end)
{
	switch (end) {
	case SANDBOX_TIMEOUT:
		return "its time was up";
	case SANDBOX_MEMORY:
		return "it ran out of memory";
	default:
		return "it failed";
	}
}

/* One line of UTF-8 that any log can take. */
static void
put_reason(struct buf *out, struct slice text)
{
	const char *at = text.ptr, *end = at + text.len;
	size_t len, max = out->len + SANDBOX_REASON_MAX;

	for (; at < end && out->len<max; at += len> 0 ? len : 1) {
		len = utf8_char(at, end);
		if (len == 0)
			buf_putc(out, '?');
		else if (len == 1 && ((unsigned char)*at < ' ' || *at == 0x7f))
			buf_putc(out, ' ');
		else
			buf_put(out, at, len);
	}
	if (at < end)
		buf_puts(out, "…");
}

/* What boot.js says: a letter, then a text. */
static enum sandbox_end
end_of(struct slice told)
{
	switch (told.len > 0 ? told.ptr[0] : '\0') {
	case 'O':
		return SANDBOX_OK;
	case 'T':
		return SANDBOX_THREW;
	case 'N':
		return SANDBOX_NOT_JSON;
	default:
		return SANDBOX_MEMORY; /* not even that could be said */
	}
}

static enum sandbox_end
read_answer(const struct guest *g, const struct exchange *x, struct buf *out)
{
	struct slice told = guest_text(g, x->answer), text;
	enum sandbox_end end = end_of(told);

	if (x->thrown && end == SANDBOX_OK)
		end = SANDBOX_MEMORY;
	text = slice_after(told, 1);
	if (end == SANDBOX_OK && text.len > SANDBOX_ANSWER_MAX) {
		end = SANDBOX_NOT_JSON;
		text = slice_of("the answer is longer than 64 KiB");
	}
	if (end == SANDBOX_OK)
		buf_put_slice(out, text);
	else if (end == SANDBOX_MEMORY || text.len == 0)
		buf_puts(out, end_text(end));
	else
		put_reason(out, text);
	return end;
}

static enum sandbox_end
finish(enum guest_end end, const struct guest *g, const struct exchange *x,
    struct buf *out)
{
	switch (end) {
	case GUEST_ENDED:
		return read_answer(g, x, out);
	case GUEST_KILLED:
		buf_puts(out, end_text(SANDBOX_TIMEOUT));
		return SANDBOX_TIMEOUT;
	case GUEST_FULL:
		buf_puts(out, end_text(SANDBOX_MEMORY));
		return SANDBOX_MEMORY;
	case GUEST_TRAPPED:
		buf_puts(out, "the engine stopped itself");
		return SANDBOX_THREW;
	default:
		buf_puts(out, "there are no timers, or the stack is too small");
		return SANDBOX_THREW;
	}
}

static struct sandbox *
loaded(const struct sandbox_spec *spec, struct buf *why)
{
	struct guest *g = guest_new(spec->memory_bytes);
	struct exchange x = { .spec = spec };
	const struct guest_turn turn = { .work = load,
		.arg = &x,
		.cpu_us = LOAD_CPU_US,
		.wall_us = LOAD_WALL_US };
	enum guest_end end = guest_run(g, &turn);
	struct sandbox *s;

	if (end != GUEST_ENDED || x.thrown) {
		finish(end, g, &x, why);
		guest_free(g);
		return NULL;
	}
	guest_keep(g);
	s = xcalloc(1, sizeof(*s));
	s->guest = g;
	s->run = x.run;
	s->cpu_us = spec->cpu_us;
	s->wall_us = spec->wall_us;
	return s;
}

struct sandbox *
sandbox_new(const struct sandbox_spec *spec, struct buf *why)
{
	struct sandbox_spec named = *spec;

	if (spec->source.len > SANDBOX_SOURCE_MAX) {
		buf_puts(why, "it is larger than 256 KiB");
		return NULL;
	}
	if (spec->name == NULL)
		named.name = "policy.js";
	if (spec->memory_bytes == 0)
		named.memory_bytes = SANDBOX_MEMORY_BYTES;
	if (spec->cpu_us == 0)
		named.cpu_us = SANDBOX_CPU_US;
	if (spec->wall_us == 0)
		named.wall_us = SANDBOX_WALL_US;
	return loaded(&named, why);
}

void
sandbox_free(struct sandbox *s)
{
	if (s == NULL)
		return;
	guest_free(s->guest);
	free(s);
}

enum sandbox_end
sandbox_call(struct sandbox *s, const struct sandbox_ask *ask, struct buf *out)
{
	struct exchange x = { .ask = ask, .run = s->run };
	const struct guest_turn turn = { .work = call,
		.arg = &x,
		.cpu_us = s->cpu_us,
		.wall_us = s->wall_us,
		.now_ms = ask->now_ms };
	enum sandbox_end end;

	assert(ask->input.len <= SANDBOX_INPUT_MAX);
	buf_reset(out);
	end = finish(guest_run(s->guest, &turn), s->guest, &x, out);
	guest_rest(s->guest);
	return end;
}

const char *
sandbox_end_name(enum sandbox_end end)
{
	static const char *const names[] = { "ok", "threw", "timeout", "memory",
		"not-json" };

	return names[end];
}
