#pragma once
/*
 * errand: one question sent by HTTP and its answer brought back, held whole.
 * One at a time, over a loop of the command's own.
 */
#include "common/base/buf.h"
#include "common/net/http.h"

struct errand;
struct loop;
struct secret;

#define ERRAND_ANSWER_MAX ((size_t)1 << 20)
#define ERRAND_TOTAL_MS   120000
#define ERRAND_WORD_MAX   64

struct errand_wish {
	const char *url;
	const struct http_field *fields;
	size_t fields_count;
	const char *auth_field, *auth_prefix;
	const struct secret *key; /* NULL: none is sent */
	struct slice body;        /* copied */
	const char *ca_file;      /* NULL: the system's */
};

struct errand_answer {
	int status;                         /* 0: none came whole */
	const char *end;                    /* why not: a short constant */
	char router_error[ERRAND_WORD_MAX]; /* X-Router-Error, "" */
	char request[ERRAND_WORD_MAX];      /* X-Request-Id, "" */
	int64_t us;
	struct slice body; /* until the next errand */
};

struct errand *errand_new(struct loop *loop,
    void (*done)(void *arg, const struct errand_answer *answer), void *arg);

/* None is under way. */
void errand_free(struct errand *e);

/* Go; `done` is called once, from the loop.  None is under way. */
void errand_go(struct errand *e, const struct errand_wish *wish);
