#pragma once
/*
 * question: a trial as a request's body, in any dialect.  Written from the
 * trial itself, not by the router's own translation, which is among what is
 * tried.  Pure.
 */
#include "common/llm/dialect.h"

struct buf;
struct trial;

/* The first is the one that is forced; both take one string, "city". */
#define QUESTION_TOOL   "get_weather"
#define QUESTION_TOOL_2 "get_time"

struct question {
	const struct trial *trial;
	enum dialect dialect;
	struct slice model;  /* group, or the provider's own name for it */
	const char *cap_key; /* chat: field for the output cap */
};

/* Can this dialect ask that at all? */
bool question_can(const struct trial *trial, enum dialect dialect);

void question_write(struct buf *out, const struct question *q);
