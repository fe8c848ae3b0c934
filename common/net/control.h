#pragma once
/*
 * control: how an operator's command asks the running daemon: one HTTP/1.1
 * request over the unix socket in the state directory.  Blocking, for
 * commands only.
 */
#include "common/base/buf.h"

/* Where the socket of a state directory is; "" when the path is too long. */
void control_path(char path[108], const char *state_dir);

enum control_result {
	CONTROL_OK,        /* an answer: *status and `answer` are set */
	CONTROL_NO_DAEMON, /* nobody listens there */
	CONTROL_BROKEN     /* it broke off; logged */
};

enum control_result control_call(const char *state_dir, const char *method,
    const char *target, struct slice body, int *status, struct buf *answer);
