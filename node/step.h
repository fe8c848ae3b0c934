#pragma once
/*
 * step: where a request is on its way; the table in request.c says what is
 * done there.
 */

enum step {
	STEP_AUTH,
	STEP_BODY,
	STEP_PARSE,
	STEP_FILTER,
	STEP_RECALL,
	STEP_SIFT,
	STEP_ADMIT,
	STEP_SMOOTH,
	STEP_ORDER,
	STEP_WORD,
	STEP_THROTTLE,
	STEP_PAUSE,
	STEP_ATTEMPT,
	STEP_RELAY,
	STEP_SETTLE,
	STEP_DONE,
	STEP_WAIT /* not a step: an event will run the request again */
};

/* Its name, for logs and rows. */
const char *request_step(enum step step);
