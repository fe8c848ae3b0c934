#pragma once
/*
 * http: the HTTP/1.1 edge for callers and operators.  The only file that sees
 * libmicrohttpd.  A server lives on one loop; an exchange is one request and
 * its answer, lives from on_head to on_done, and belongs to the loop.
 *
 * Every head is checked before the application sees it (framing that others
 * read differently is answered 400 and the connection closed); absolute
 * deadlines for head and body, size caps, connection cap, small socket
 * buffers and the notice that a client left are in here.
 */
#include "common/base/buf.h"
#include "common/net/listen.h"

struct allowance;
struct loop;
struct http_server;
struct http_exchange;

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS
};

/* A header to send: name and value are checked, copied at the call. */
struct http_field {
	const char *name;
	struct slice value;
};

struct http_config {
	int listen_fd; /* bound and listening; the server closes it */
	/* PEM, read by http_server_new only; NULL: plain HTTP. */
	const char *tls_cert, *tls_key;
	size_t connections_max;
	size_t body_max_bytes;         /* 413 beyond */
	struct allowance *body_memory; /* shared by all; 503 beyond */
	int64_t head_ms, body_ms;      /* absolute deadlines */
	/* Of a kept-alive connection, and of a client that takes no bytes. */
	int64_t idle_ms;

	/*
	 * The head is in hand.  Answer at once (http_answer) to refuse, else
	 * the body is read and on_body follows.  May http_set_owner.
	 */
	void (*on_head)(void *arg, struct http_exchange *x);
	/* Head and body are in hand; answer now or later. */
	void (*on_body)(void *arg, struct http_exchange *x);
	/*
	 * The edge itself refuses (400, 408, 413, 414, 415, 431, 503): answer
	 * at once with a body of the application's shape.  on_head may have
	 * come before (then the owner is set) or not.  Not told, but answered
	 * by the library with a text of its own and closed: a line without a
	 * colon, a length that is no number, no HTTP version, a broken chunk, a
	 * head beyond the connection's memory (see tests/golden/http, "by":
	 * "library").  Closed without an answer: a request that was sent before
	 * its forerunner was answered.
	 */
	void (*on_refused)(void *arg, struct http_exchange *x, int status,
	    const char *why);
	/*
	 * A stream that was full (http_stream_put gave false) has room, or
	 * `bytes` more were taken by the client's socket.  May be NULL.
	 */
	void (*on_sent)(void *arg, struct http_exchange *x, size_t bytes);
	/*
	 * The client left before the answer was complete; on_done follows.
	 * Closing its sending side only is leaving, too.
	 */
	void (*on_gone)(void *arg, struct http_exchange *x);
	/* Nothing may touch the exchange after this. */
	void (*on_done)(void *arg, struct http_exchange *x);
	void *arg;
};

/* Registers itself with the loop's RUN phase.  NULL and *why on failure. */
struct http_server *http_server_new(struct loop *loop,
    const struct http_config *config, const char **why);

/* Take no new connections; exchanges under way go on. */
void http_server_drain(struct http_server *s);

/* Exchanges that are not done. */
size_t http_server_busy(const struct http_server *s);

/* Is nobody connected? */
bool http_server_empty(const struct http_server *s);

/* Cut what is left: on_gone and on_done are called; frees the server. */
void http_server_free(struct http_server *s);

void http_set_owner(struct http_exchange *x, void *owner);
void *http_owner(const struct http_exchange *x);

enum http_method http_method(const struct http_exchange *x);
const char *http_method_name(enum http_method method);
struct slice http_path(const struct http_exchange *x); /* no query, raw */

/* The raw value of a query argument; false when it is not there. */
must_check bool http_query(const struct http_exchange *x, const char *name,
    struct slice *value);

/* A request header by name (any case); empty when it is not there. */
struct slice http_header(const struct http_exchange *x, const char *name);

/* The connection's descriptor, to ask who is behind it: listen_peer and
 * listen_address of listen.h. */
int http_socket(const struct http_exchange *x);

/* Did it come by TLS? */
must_check bool http_secure(const struct http_exchange *x);

/* The whole body; good until on_done. */
struct slice http_body(const struct http_exchange *x);

/* Answer whole.  Takes the body's storage (the buf is empty afterwards). */
void http_answer(struct http_exchange *x, int status,
    const struct http_field *fields, size_t count, struct buf *body);

/* Begin an answer of unknown length, sent chunked, flushed as it is put. */
void http_stream(struct http_exchange *x, int status,
    const struct http_field *fields, size_t count);

/*
 * Copy bytes into the exchange's bounded buffer and send them.  True when
 * there is room for more; false when the caller should stop until on_sent.
 * What was put is always taken.
 */
bool http_stream_put(struct http_exchange *x, struct slice bytes);

/* Bytes put and not yet taken by the socket. */
size_t http_stream_waiting(const struct http_exchange *x);

/* End well, after what was put. */
void http_stream_end(struct http_exchange *x);

/* End so that the client sees a cut answer. */
void http_stream_cut(struct http_exchange *x);
