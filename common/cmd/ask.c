#include "common/cmd/ask.h"

#include <stdio.h>

#include "common/net/control.h"
#include "common/store/ledger.h"

#define ANSWER_MAX (16 * 1024 * 1024)

enum asked
ask_daemon(const char *state_dir, const char *method, const char *target,
    struct slice body)
{
	enum asked asked = ASKED_BROKEN;
	struct buf answer;
	int status = 0;

	buf_init(&answer, ANSWER_MAX);
	switch (
	    control_call(state_dir, method, target, body, &status, &answer)) {
	case CONTROL_NO_DAEMON:
		asked = ASKED_NOBODY;
		break;
	case CONTROL_BROKEN:
		fprintf(stderr, "the daemon of %s broke off its answer\n",
		    state_dir);
		break;
	case CONTROL_OK:
		asked = status / 100 == 2 ? ASKED_OK : ASKED_NO;
		fwrite(answer.data, 1, answer.len,
		    asked == ASKED_OK ? stdout : stderr);
		break;
	}
	buf_fini(&answer);
	return asked;
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
