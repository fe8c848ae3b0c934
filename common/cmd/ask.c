#include "common/cmd/ask.h"

#include <stdio.h>
#include <unistd.h>

#include "common/format/json.h"
#include "common/net/control.h"
#include "common/store/ledger.h"

#define ANSWER_MAX (16 * 1024 * 1024)
#define BODY_MAX   (64 * 1024)
#define POLL_US    100000

/* Statuses, and what stands for none. */
#define UNDER_WAY 202
#define NOBODY    0
#define BROKEN    (-1)

/* The status of one question, or what stands for none. */
static int
call_daemon(const char *state_dir, const char *method, const char *target,
    struct slice body, struct buf *answer)
{
	int status = 0;

	buf_reset(answer);
	switch (
	    control_call(state_dir, method, target, body, &status, answer)) {
	case CONTROL_NO_DAEMON:
		return NOBODY;
	case CONTROL_BROKEN:
		fprintf(stderr, "the daemon of %s broke off its answer\n",
		    state_dir);
		return BROKEN;
	default:
		return status;
	}
}

/* What came of it, printed where it belongs. */
static enum asked
tell(int status, const struct buf *answer)
{
	enum asked asked = ASKED_NO;

	if (status == NOBODY)
		asked = ASKED_NOBODY;
	else if (status == BROKEN)
		asked = ASKED_BROKEN;
	else if (status / 100 == 2)
		asked = ASKED_OK;
	if (asked == ASKED_OK || asked == ASKED_NO)
		fwrite(answer->data, 1, answer->len,
		    asked == ASKED_OK ? stdout : stderr);
	return asked;
}

enum asked
ask_daemon(const char *state_dir, const char *method, const char *target,
    struct slice body)
{
	enum asked asked;
	struct buf answer;

	buf_init(&answer, ANSWER_MAX);
	asked = tell(call_daemon(state_dir, method, target, body, &answer),
	    &answer);
	buf_fini(&answer);
	return asked;
}

enum asked
ask_by_name(const char *state_dir, const char *target, const char *name)
{
	struct json_writer w = { 0 };
	struct buf body;
	enum asked asked;

	buf_init(&body, BODY_MAX);
	w.out = &body;
	json_open(&w, '{');
	json_field_text(&w, "name", slice_of(name));
	json_close(&w, '}');
	asked = ask_daemon(state_dir, "POST", target, buf_slice(&body));
	buf_fini(&body);
	return asked;
}

enum asked
ask_bytes(const char *state_dir, const char *target, struct buf *answer)
{
	int status =
	    call_daemon(state_dir, "GET", target, slice_make(NULL, 0), answer);

	if (status == NOBODY)
		return ASKED_NOBODY;
	if (status == BROKEN)
		return ASKED_BROKEN;
	if (status / 100 == 2)
		return ASKED_OK;
	fwrite(answer->data, 1, answer->len, stderr);
	return ASKED_NO;
}

enum asked
ask_job(const char *state_dir, const char *target, struct slice body,
    const char *result)
{
	struct slice none = { NULL, 0 };
	enum asked asked;
	struct buf answer;
	int status;

	buf_init(&answer, ANSWER_MAX);
	status = call_daemon(state_dir, "POST", target, body, &answer);
	while (status == UNDER_WAY) {
		usleep(POLL_US);
		status = call_daemon(state_dir, "GET", result, none, &answer);
		if (status != NOBODY)
			continue;
		fprintf(stderr, "the daemon of %s ended\n", state_dir);
		status = BROKEN;
	}
	asked = tell(status, &answer);
	buf_fini(&answer);
	return asked;
}

struct ledger *
ask_own_store(const char *state_dir)
{
	struct ledger *l;

	if (access(state_dir, F_OK) != 0) {
		fprintf(stderr, "%s is not there; is --state right?\n",
		    state_dir);
		return NULL;
	}
	l = ledger_open(state_dir, false);
	if (l == NULL)
		fprintf(stderr, "the store in %s/store cannot be opened\n",
		    state_dir);
	return l;
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
