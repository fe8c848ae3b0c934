#pragma once
/*
 * part: what a conversation is made of, in no dialect: messages of parts.
 * A `raw` slice is a whole JSON value as it stood in the body, with its
 * quotes or braces; empty: it was not there.  Values in an arena.
 */
#include "common/base/slice.h"

enum turn_role { TURN_SYSTEM, TURN_DEVELOPER, TURN_USER, TURN_ASSISTANT };

enum part_kind {
	PART_TEXT,
	PART_REFUSAL,
	PART_THINKING,
	PART_IMAGE,
	PART_FILE,
	PART_CALL,
	PART_RESULT
};

/* The opaque part of reasoning, which only its maker can read. */
enum blob_kind {
	BLOB_NONE,
	BLOB_SIGNATURE, /* Messages: signs the text beside it */
	BLOB_REDACTED,  /* Messages: redacted_thinking, no text */
	BLOB_ENCRYPTED  /* Responses: encrypted_content */
};

struct part {
	struct part *next;
	enum part_kind kind;
	struct slice text;  /* TEXT, REFUSAL, THINKING; FILE of text: raw */
	struct slice cache; /* raw mark of a prompt cache; empty: none */

	/* THINKING */
	enum blob_kind blob_kind;
	struct slice blob; /* raw */

	/* IMAGE and FILE: by `url`, or `data` with its media type, or text */
	struct slice url;        /* raw */
	struct slice media_type; /* "image/png", plain */
	struct slice data;       /* base64, as it stands inside its string */
	struct slice detail;     /* IMAGE: raw */
	struct slice title;      /* FILE: raw; a name */

	/* CALL and RESULT */
	struct slice id;        /* raw: the call's */
	struct slice name;      /* CALL: raw, as its tool is called */
	struct slice space;     /* CALL: raw; the tool's namespace */
	bool custom;            /* freeform: arguments are its input, raw */
	struct slice arguments; /* CALL: raw string; or empty, then: */
	struct slice input;     /* CALL: raw object; see turn_call_* */
	bool failed;            /* RESULT */
	struct part *content, **content_tail; /* RESULT: texts, images, files */
};

/*
 * Calls and results are parts: an assistant's turn is one message with its
 * thinking, text and calls in order; the results of its calls lead the next
 * user message, before what the user said.
 */
struct message {
	struct message *next;
	enum turn_role role;
	struct slice name;  /* raw */
	struct slice phase; /* raw; of an assistant's, Responses only */
	struct part *parts, **tail;
	struct part **results; /* behind the results that lead */
	bool beyond_results;   /* has a part that is no result */
};
