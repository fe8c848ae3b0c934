#pragma once
/*
 * call: one call as the provider plays it, after its script.  A generator:
 * call_pump appends the next bytes of the answer and says what is to happen
 * then.  It knows no socket and no clock; its owner sends, waits and closes.
 */
#include "tests/sim/dialect.h"
#include "tests/sim/replay.h"

enum call_next {
	CALL_MORE,  /* pump again when the bytes are on their way */
	CALL_WAIT,  /* pump again after wait_ms */
	CALL_STALL, /* send the bytes, then nothing */
	CALL_DONE,  /* the answer is whole */
	CALL_FIN,   /* send the bytes, close */
	CALL_RST    /* send the bytes, reset */
};

enum call_step {
	STEP_BEGIN,
	STEP_HEAD,
	STEP_BODY,
	STEP_ENDLESS,
	STEP_REPLAY,
	STEP_FIRST,
	STEP_PART,
	STEP_LAST
};

struct call {
	struct script script;
	const struct dialect *dialect;
	struct reply reply;
	struct recording *recording; /* to play in place of it; or NULL */
	enum call_step step;
	bool stream, reused;
	uint64_t chunks; /* of parts, or pieces of a recording, made */
	uint64_t pings;  /* keep-alives made since the last chunk */
	size_t played;   /* bytes of the recording made */
	uint64_t wire;   /* bytes made */
	uint64_t status; /* answered; 0 before, and for what is no HTTP */
	uint64_t wait_ms;
	const char *refusal; /* answer this error whatever the script; or "" */
	struct text piece;
};

/* The rest of the call, its reply composed, is zero or its caller's. */
void call_begin(struct call *c);

void call_fini(struct call *c);

enum call_next call_pump(struct call *c, struct text *out);
