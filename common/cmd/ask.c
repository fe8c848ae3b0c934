#include "common/cmd/ask.h"

#include <stdio.h>

#include "common/net/control.h"
#include "common/store/ledger.h"

#define ANSWER_MAX (16 * 1024 * 1024)

static enum asked
ask(const char *state_dir, const char *method, const char *target,
    struct slice body, struct buf *answer)
{
	int status = 0;

	switch (
	    control_call(state_dir, method, target, body, &status, answer)) {
	case CONTROL_NO_DAEMON:
		return ASKED_NOBODY;
	case CONTROL_BROKEN:
		fprintf(stderr, "the daemon of %s broke off its answer\n",
		    state_dir);
		return ASKED_BROKEN;
	case CONTROL_OK:
		break;
	}
	if (status / 100 == 2)
		return ASKED_OK;
	fwrite(answer->data, 1, answer->len, stderr);
	return ASKED_NO;
}

enum asked
ask_daemon(const char *state_dir, const char *method, const char *target,
    struct slice body)
{
	struct buf answer;
	enum asked asked;

	buf_init(&answer, ANSWER_MAX);
	asked = ask(state_dir, method, target, body, &answer);
	if (asked == ASKED_OK)
		fwrite(answer.data, 1, answer.len, stdout);
	buf_fini(&answer);
	return asked;
}

enum asked
ask_bytes(const char *state_dir, const char *target, struct buf *answer)
{
	return ask(state_dir, "GET", target, slice_make(NULL, 0), answer);
}

struct ledger *
ask_store(const char *state_dir)
{
	struct ledger *l = ledger_open(state_dir, true);

	if (l == NULL)
		fprintf(stderr,
		    "there is no store in %s/store; is --state right, and did "
		    "it ever serve?\n",
		    state_dir);
	return l;
}

void
ask_argument(struct buf *target, const char *name, const char *value)
{
	const char *c;

	if (value == NULL)
		return;
	buf_putc(target,
	    memchr(target->data, '?', target->len) != NULL ? '&' : '?');
	buf_printf(target, "%s=", name);
	for (c = value; *c != '\0'; c++) {
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		    (*c >= '0' && *c <= '9') || strchr("-._~/", *c) != NULL)
			buf_putc(target, *c);
		else
			buf_printf(target, "%%%02X", (unsigned)(uint8_t)*c);
	}
}
