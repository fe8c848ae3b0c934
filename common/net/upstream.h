#pragma once
/*
 * upstream: HTTP/1.1 calls to providers.  The only file that sees libcurl.
 * One `upstream` per loop holds the connections; a transfer is one call, made
 * once: a body is never sent twice, whatever the library would like.
 *
 * No redirects, no proxy or netrc or TLS key log from the environment, no
 * decompression.  Events come on the loop's thread, never from inside
 * transfer_start; on_end comes exactly once, and the transfer is dead after
 * it.  transfer_cancel makes no more events come.
 */
#include "common/base/slice.h"
#include "common/net/http.h"

struct secret;
struct upstream;
struct transfer;

enum transfer_end {
	TRANSFER_OK,        /* the whole answer, by its own framing */
	TRANSFER_NO_NAME,   /* DNS */
	TRANSFER_NO_ROUTE,  /* refused, unreachable, connect timeout */
	TRANSFER_NO_TRUST,  /* TLS */
	TRANSFER_RESET,     /* before an answer byte: sent or not is unknown */
	TRANSFER_TRUNCATED, /* after an answer byte */
	TRANSFER_SLOW,      /* first byte, idle or total deadline */
	TRANSFER_TOO_LARGE, /* the answer's head passed its cap */
	TRANSFER_BROKEN     /* not HTTP, or a fault of ours */
};

/* A short constant for logs and rows: "reset", "truncated" … */
const char *transfer_end_name(enum transfer_end end);

/* May the provider have the request, and bill for it? */
bool transfer_reached(enum transfer_end end);

struct transfer_request {
	const char *url;                 /* copied */
	const struct http_field *fields; /* copied; no auth among them */
	size_t fields_count;
	const char *auth_field;   /* "Authorization", "x-api-key" … */
	const char *auth_prefix;  /* "Bearer " or "" */
	const struct secret *key; /* NULL: send no auth */
	const struct slice *body; /* pieces in order; the bytes stay */
	size_t body_count;        /* until on_end or cancel; 0: GET */
	const char *ca_file;      /* NULL: the system's */
	const char *proxy;        /* NULL: none */
	/*
	 * 0 is no deadline (connect_ms: 5 s).  first_byte_ms runs from the
	 * connection, again with each piece of the body sent, to the head;
	 * idle_ms from then on, not while on_data refuses; total_ms always.
	 */
	int64_t connect_ms, first_byte_ms, idle_ms, total_ms;
};

struct transfer_events {
	/* The status line and headers are in (1xx are passed over). */
	void (*on_head)(void *arg, int status);
	/* False: could not take them; they come again after resume. */
	bool (*on_data)(void *arg, struct slice bytes);
	void (*on_end)(void *arg, enum transfer_end end);
};

/*
 * Call once, before any thread: clears from the environment what could divert
 * or record calls (proxies, SSLKEYLOGFILE, CURL_*, host aliases) and ignores
 * SIGPIPE for the process.  upstream_new calls it if nobody did.
 */
void upstream_start(void);

struct upstream *upstream_new(struct loop *loop);

/* No transfers are left. */
void upstream_free(struct upstream *u);

/* Starts in the loop's next event round; `events` has to stay. */
struct transfer *transfer_start(struct upstream *u,
    const struct transfer_request *request,
    const struct transfer_events *events, void *arg);

/* A header of the answer, from on_head until on_end; empty when absent. */
struct slice transfer_header(struct transfer *t, const char *name);

/* The library's words on how it failed, for logs; in on_end; never NULL. */
const char *transfer_why(const struct transfer *t);

/* After on_data gave false: give the bytes again. */
void transfer_resume(struct transfer *t);

/* End it now; the connection is closed, no event follows. */
void transfer_cancel(struct transfer *t);
