#pragma once
/*
 * trial: one request that shows one thing of a target, and what its answer
 * has to have for that; a row each in trial.def.  Prompts are fixed and name
 * nobody.  Pure.
 */
#include "common/llm/capability.h"

#define TRIAL_CAP_TOKENS    2048 /* enough for a model that thinks first */
#define TRIAL_LITTLE_TOKENS 16   /* the least that all providers take */

enum trial_ask {
	ASK_STREAM = 1 << 0,
	ASK_COUNT = 1 << 1, /* count tokens, make nothing */
	ASK_TOOL = 1 << 2,
	ASK_PAIR = 1 << 3,  /* a second tool */
	ASK_FORCE = 1 << 4, /* the first one has to be called */
	ASK_IMAGE = 1 << 5,
	ASK_DOCUMENT = 1 << 6,
	ASK_AUDIO = 1 << 7,
	ASK_SCHEMA = 1 << 8,
	ASK_REASON = 1 << 9,
	ASK_LITTLE = 1 << 10 /* a cap of TRIAL_LITTLE_TOKENS */
};

enum trial_want {
	WANT_TEXT,
	WANT_COUNT,
	WANT_CALL,  /* of the tool, with arguments that fit */
	WANT_CALLS, /* of both, in one answer */
	WANT_WORD,
	WANT_SCHEMA,
	WANT_THOUGHT, /* thinking, or tokens counted as reasoning */
	WANT_CAPPED
};

enum trial_id {
#define TRIAL(id, name, capability, asks, want, word, prompt) TRIAL_##id,
#include "node/trial/trial.def"
#undef TRIAL
	TRIALS
};

struct trial {
	const char *name;
	unsigned capability, asks;
	enum trial_want want;
	const char *word, *prompt;
};

const struct trial *trial_get(enum trial_id id);
