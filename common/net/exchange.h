#pragma once
/*
 * exchange: what http.c and exchange.c share: the server, its connections and
 * their requests.  http.c speaks with the HTTP library; exchange.c holds what
 * needs no library: bodies, deadlines, refusals, the bodies of streams.  For
 * nobody else: the world sees common/net/http.h.
 */
#include "common/net/deadline.h"
#include "common/net/edge.h"
#include "common/net/http.h"
#include "common/net/outlet.h"

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;

enum step {
	STEP_HEAD,    /* the request line is in */
	STEP_BODY,    /* the head is good, the body is read */
	STEP_SWALLOW, /* answered already; the body is read and dropped */
	STEP_WAIT,    /* all is read; the application owes the answer */
	STEP_ANSWER,  /* the library sends the answer, or a stream's head */
	STEP_STREAM,  /* the outlet sends the body; with TLS the library does */
	STEP_DEAD     /* the connection was shut down */
};

enum ending { ENDING_NOT, ENDING_WELL, ENDING_CUT };

#define CONN_MAGIC     0x48434f4eu
#define EXCHANGE_MAGIC 0x48545850u

struct conn {
	uint32_t magic;
	struct http_server *server;
	struct MHD_Connection *mc;
	int fd;
	bool idle;         /* kept alive, between two requests */
	uint64_t done_run; /* server->runs when the last one ended */
	bool peer_left;    /* the client closed its side, or all of it */
	struct loop_watch *watch;
	struct deadline deadline;
	struct http_exchange *x; /* the request under way, or NULL */
	struct list link;        /* server->conns */
	struct list leaving;     /* server->leaving, once peer_left */
};

struct http_exchange {
	uint32_t magic;
	struct conn *conn;
	struct http_server *server;
	void *owner;
	enum step step;
	enum ending ending;
	bool shown;     /* the application knows it */
	bool whole;     /* head and body are in */
	bool suspended; /* the library does not look at it */
	bool lingering; /* the library will ask again */
	bool refused;   /* by the edge */
	bool pipelined; /* it came before its forerunner's answer went */
	bool drained;   /* a stream's bytes are all in the socket */
	bool stalled;   /* the socket took no more: LOOP_WRITE comes */
	uint64_t asked_turn;
	const char *target_at; /* where the library has it */
	struct slice target;   /* ours */
	struct edge_request request;
	struct buf body;
	size_t body_held; /* of server->config.body_memory */
	int status;
	struct MHD_Response *answer; /* made, not yet given to the library */
	struct slice answer_body;    /* in `answer` */
	struct outlet outlet;
	struct list dirty; /* server->dirty: the outlet has something to do */
};

struct http_server {
	struct loop *loop;
	struct http_config config;
	struct MHD_Daemon *daemon;
	struct loop_watch *watch; /* the library's epoll descriptor */
	bool ready;               /* it has events */
	bool kick;                /* there is work that it does not know of */
	bool late; /* what the library took waits for another run */
	bool draining;
	bool secure; /* the library speaks TLS, and sends streams' bodies */
	uint64_t ran_turn;
	uint64_t runs; /* of the library */
	size_t busy;
	struct list conns, dirty, leaving;
	struct deadline_queue heads, bodies, idles;
	struct loop_timer *timer;
	int64_t timer_at_us;                       /* INT64_MAX: not set */
	struct edge_field fields[EDGE_FIELDS_MAX]; /* of the head checked now */
	size_t field_count;
};

/* The library must run, this turn or, when it has run, at once in the next. */
void server_kick(struct http_server *s);

/* What the exchange waited for is there. */
void exchange_wake(struct http_exchange *x);

/* Let the application refuse; its answer is there when this returns. */
void exchange_refuse(struct http_exchange *x, int status, const char *why);

/* Keep a part of the body, or refuse. */
void exchange_take(struct http_exchange *x, const char *bytes, size_t len);

void exchange_forget_body(struct http_exchange *x);

/* Put a stream's bytes into the socket and tell the application. */
void exchange_flush(struct http_exchange *x);

/* Of a secure server: give a stream's bytes away and tell the application. */
size_t exchange_give(struct http_exchange *x, char *room, size_t max);

/* The stream has ended well, and all of it is out. */
bool exchange_is_out(const struct http_exchange *x);

/* The library has accepted a client; be told when that leaves. */
struct conn *conn_open(struct http_server *s, struct MHD_Connection *mc,
    int fd);

void conn_close(struct conn *c);

/* Shut those whose client left and that have no request to answer. */
void server_part(struct http_server *s);

void conn_start_deadline(struct deadline_queue *q, struct conn *c);

/* A loop's call: flush the streams that were put to. */
void server_flush(void *arg);

/* A timer's call: answer and shut what took too long. */
void server_expire(void *arg);

/* In http.c: let the library look at a suspended connection again. */
void library_resume(struct conn *c);

/* In http.c: write status line and header fields of the answer. */
void library_write_head(const struct http_exchange *x, struct buf *out);
