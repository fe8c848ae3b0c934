#pragma once
/*
 * dialect: one API's wire form, as a table of functions.  Each appends bytes
 * to a text and knows no HTTP.  A stream is begin; for each part open, its
 * chunks and close; then end or fail.
 */
#include "tests/sim/refusal.h"
#include "tests/sim/reply.h"

struct dialect {
	enum refusal_family family;
	const char *id_header; /* that names the request's id */
	const char *endless;   /* how an answer begins that never ends */
	bool interleaves;      /* several calls may be open at once */
	void (*answer)(struct text *out, const struct reply *r);

	/* The pieces of a stream, each whole events; no begin: no streams. */
	void (*begin)(struct text *out, struct reply *r);
	void (*open)(struct text *out, struct reply *r, const struct part *p);
	void (*chunk)(struct text *out, struct reply *r, const struct part *p,
	    uint64_t i);
	void (*close)(struct text *out, struct reply *r, const struct part *p);
	void (*ping)(struct text *out, struct reply *r); /* keep alive */
	void (*end)(struct text *out, struct reply *r);
	void (*fail)(struct text *out, struct reply *r,
	    const struct refusal *why);
};

extern const struct dialect dialect_chat, dialect_responses, dialect_messages;

/* Anthropic's counting of tokens, which has no streams. */
extern const struct dialect dialect_count;

/* Whose endpoint the path is, by how it ends; NULL: nobody's. */
const struct dialect *dialect_find(const char *path, size_t len);
