#pragma once
/* A scan, and events with what each has to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/llm/scan.h"

static struct scan scan;

static int
start(void **state)
{
	(void)state;
	scan_init(&scan, DIALECT_CHAT);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	scan_fini(&scan);
	return 0;
}

static enum scan_kind
look(const char *data)
{
	struct sse_event event = { .data = slice_of(data) };

	return scan_event(&scan, &event);
}

/* Events and what each has to be, fed to a scan that has just begun. */
struct step {
	const char *data;
	enum scan_kind kind;
};

static void
assert_steps(const struct step *steps, size_t count)
{
	enum scan_kind kind;
	size_t i;

	for (i = 0; i < count; i++) {
		kind = look(steps[i].data);
		if (kind != steps[i].kind)
			fail_msg("step %zu is %d, not %d", i, (int)kind,
			    (int)steps[i].kind);
	}
}
