#pragma once
/*
 * passage: a request on its way to a target: byte for byte but for what the
 * router owns where the target speaks the caller's dialect, else through the
 * neutral form.  What cannot go along is refused, or left out and named.
 * Pure; all memory is the arena's.
 */
#include "common/llm/own.h"
#include "node/dialect/target.h"

struct passage_terms {
	enum dialect asks;    /* of the body */
	enum dialect answers; /* that the caller reads */
	enum operation operation;
	bool stream;
	unsigned dialects; /* bits of what the target speaks */
	unsigned drop;     /* the group's: bits of drop.h */
	unsigned allowed;  /* the team's: bits of allow.h */
	struct target_terms target;
	bool thoughts_removed; /* from the body, before: to be named */
	/* What kind of opaque text (a raw string) this target made of it. */
	enum blob_kind (*made)(void *arg, struct slice blob);
	void *arg;
};

struct passage {
	enum dialect target;
	struct turn *turn; /* NULL: body and answer go as they are */
	struct splice splice;
	const char *dropped; /* names, comma-separated; "" when none */
	const char *why;     /* of a refusal: names the field and the cure */
};

enum passage_end {
	PASSAGE_OK,
	PASSAGE_INVALID,     /* wrong in itself */
	PASSAGE_NOT_ALLOWED, /* the team's entry does not allow it */
	PASSAGE_NOT_CARRIED  /* this target cannot be told what is asked */
};

/* The caller's dialect if it is among those, or the one nearest to it. */
must_check bool passage_dialect(enum dialect *out, unsigned dialects,
    enum dialect asks);

/*
 * Of the dialects that the target speaks, the caller's own, else the nearest
 * one that can be told all that is asked, but for what the group lets go.
 */
enum passage_end passage_make(struct passage *out, struct arena *arena,
    const struct json_value *root, const struct passage_terms *terms);
