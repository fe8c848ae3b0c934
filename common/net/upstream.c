#include "common/net/upstream.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/net/environment.h"
#include "common/net/letter.h"
#include "common/net/loop.h"
#include "common/net/timeout.h"
#include "common/net/wire.h"

/*
 * The library resends a request whose kept connection died before an answer
 * byte.  on_sending is called before each sending and lets one pass; a body
 * that comes from on_body cannot be rewound either.
 *
 * It may not be called from inside its own callbacks: what events ask for
 * there (start, resume, cancel) waits for pump and sweep.
 */

#define CONNECTIONS_KEPT  512  /* idle ones, a loop */
#define HANDLES_KEPT      256  /* idle ones, a loop; 5 KiB each */
#define CONNECTION_LIFE_S 3600 /* then certificates are checked again */
#define CONNECT_MS        5000
#define HEAD_BYTES_MAX    65536

enum phase {
	POOLED,
	WAITING, /* for pump */
	STARTED, /* looking up, connecting */
	SENDING, /* or waiting for the head */
	HEADED,  /* on_head was called */
	GONE     /* cancelled while the library was at work: see sweep */
};

/* One call; rests in the pool with its easy handle between calls. */
struct transfer {
	struct list link; /* in one of upstream's lists */
	struct list wake; /* in upstream.resumed */
	struct upstream *up;
	CURL *easy;
	char *ca_file, *proxy; /* as set in the handle; NULL: the default */
	enum phase phase;
	bool paused;
	bool is_fated;
	enum transfer_end fate; /* decided by us, not by the library */
	const struct transfer_events *events;
	void *arg;
	struct letter letter;
	struct curl_slist lines[LETTER_LINES_MAX]; /* of the letter's texts */
	size_t head_bytes;
	curl_off_t body_bytes; /* taken by on_data */
	int64_t first_byte_us, idle_us;
	struct timeout timeout;
	char why[CURL_ERROR_SIZE];
};

struct upstream {
	struct loop *loop;
	CURLM *multi;
	struct list pool, waiting, live, dying, resumed;
	size_t pooled;
	struct loop_task pump;
	bool kick;    /* the library wants to be called at once */
	bool in_curl; /* no calls that would re-enter it */
	int64_t now_us;
	struct timeouts *timeouts;
	struct timeout due; /* the library wants to be called then */
	struct wires *wires;
	char *default_ca, *default_ca_dir;
};

#define SET(easy, option, value)                                               \
	must(curl_easy_setopt((easy), (option), (value)) == CURLE_OK, #option)
#define SET_MULTI(multi, option, value)                                        \
	must(curl_multi_setopt((multi), (option), (value)) == CURLM_OK, #option)

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	log_error("the HTTP client library failed", log_str("call", what));
	abort();
}

static const char *const end_names[] = {
	[TRANSFER_OK] = "ok",
	[TRANSFER_NO_NAME] = "no-name",
	[TRANSFER_NO_ROUTE] = "no-route",
	[TRANSFER_NO_TRUST] = "no-trust",
	[TRANSFER_RESET] = "reset",
	[TRANSFER_TRUNCATED] = "truncated",
	[TRANSFER_SLOW] = "slow",
	[TRANSFER_TOO_LARGE] = "too-large",
	[TRANSFER_BROKEN] = "broken",
};

const char *
transfer_end_name(enum transfer_end end)
{
	assert((size_t)end < count_of(end_names));
	return end_names[end];
}

static void
start_once(void)
{
	environment_clear();
	signal(SIGPIPE, SIG_IGN);
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK,
	    "curl_global_init");
}

void
upstream_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start_once);
}

static void on_late(void *arg);

static void
push_due(struct transfer *t, int64_t after_us)
{
	timeout_push(t->up->timeouts, &t->timeout,
	    after_us > 0 ? t->up->now_us + after_us : TIMEOUT_NEVER);
}

/* --- what the library calls --- */

static size_t
on_body(char *to, size_t one, size_t room, void *arg)
{
	struct transfer *t = arg;

	(void)one;
	if (t->phase == GONE)
		return CURL_READFUNC_ABORT;
	push_due(t, t->first_byte_us);
	return letter_read(&t->letter, to, room);
}

/* Connected; the request is going to be written. */
static int
on_sending(void *arg, char *remote_ip, char *local_ip, int remote_port,
    int local_port)
{
	struct transfer *t = arg;

	(void)remote_ip;
	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	if (t->phase != STARTED)
		return CURL_PREREQFUNC_ABORT;
	t->phase = SENDING;
	push_due(t, t->first_byte_us);
	return CURL_PREREQFUNC_OK;
}

/* One line of the head, or of a chunked body's trailer. */
static size_t
on_line(char *line, size_t one, size_t len, void *arg)
{
	struct transfer *t = arg;
	long status = 0;

	(void)one;
	if (t->phase == GONE)
		return 0;
	t->head_bytes += len;
	if (t->head_bytes > HEAD_BYTES_MAX) {
		t->is_fated = true;
		t->fate = TRANSFER_TOO_LARGE;
		return 0;
	}
	if (t->phase == HEADED || (line[0] != '\r' && line[0] != '\n'))
		return len;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return len;
	t->phase = HEADED;
	push_due(t, t->idle_us);
	t->events->on_head(t->arg, (int)status);
	return t->phase == GONE ? 0 : len;
}

static size_t
on_bytes(char *bytes, size_t one, size_t len, void *arg)
{
	struct transfer *t = arg;
	bool took;

	(void)one;
	if (t->phase == GONE || len == 0)
		return 0;
	assert(t->phase == HEADED);
	took = t->events->on_data(t->arg, slice_make(bytes, len));
	if (t->phase == GONE)
		return 0;
	if (!took) {
		t->paused = true;
		push_due(t, 0);
		return CURL_WRITEFUNC_PAUSE;
	}
	t->body_bytes += (curl_off_t)len;
	push_due(t, t->idle_us);
	return len;
}

static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct upstream *u = arg;

	(void)purpose;
	return wires_open(u->wires, to->family, to->socktype, to->protocol);
}

static int
on_close(void *arg, curl_socket_t fd)
{
	struct upstream *u = arg;

	wires_close(u->wires, fd);
	return 0;
}

static int
on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct upstream *u = arg;
	int wants = 0;

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		wants |= LOOP_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		wants |= LOOP_WRITE;
	wires_want(u->wires, fd, wants);
	return 0;
}

static int
on_timeout(CURLM *multi, long after_ms, void *arg)
{
	struct upstream *u = arg;

	(void)multi;
	timeout_stop(&u->due);
	if (after_ms == 0) {
		/* The usual case, at every start: no timer for that. */
		u->kick = true;
		loop_soon(u->loop, &u->pump);
	} else if (after_ms > 0) {
		timeout_start(u->timeouts, &u->due,
		    u->now_us + after_ms * US_PER_MS);
	}
	return 0;
}

/* --- handles --- */

static void
set_safety(CURL *easy)
{
	SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(easy, CURLOPT_PATH_AS_IS, 1L);
	SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(easy, CURLOPT_PROXY, "");
	SET(easy, CURLOPT_NOPROXY, "");
	SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CONNECTION_LIFE_S);
	SET(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
	SET(easy, CURLOPT_NOSIGNAL, 1L);
	SET(easy, CURLOPT_QUICK_EXIT, 1L);
	SET(easy, CURLOPT_TCP_NODELAY, 1L);
	SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
}

static void
set_callbacks(struct transfer *t)
{
	SET(t->easy, CURLOPT_PRIVATE, t);
	SET(t->easy, CURLOPT_ERRORBUFFER, t->why);
	SET(t->easy, CURLOPT_READFUNCTION, on_body);
	SET(t->easy, CURLOPT_READDATA, t);
	SET(t->easy, CURLOPT_PREREQFUNCTION, on_sending);
	SET(t->easy, CURLOPT_PREREQDATA, t);
	SET(t->easy, CURLOPT_HEADERFUNCTION, on_line);
	SET(t->easy, CURLOPT_HEADERDATA, t);
	SET(t->easy, CURLOPT_WRITEFUNCTION, on_bytes);
	SET(t->easy, CURLOPT_WRITEDATA, t);
	SET(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	SET(t->easy, CURLOPT_OPENSOCKETDATA, t->up);
	SET(t->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	SET(t->easy, CURLOPT_CLOSESOCKETDATA, t->up);
}

static struct transfer *
handle_get(struct upstream *u)
{
	struct list *idle = list_pop(&u->pool);
	struct transfer *t;

	if (idle != NULL) {
		u->pooled--;
		return container_of(idle, struct transfer, link);
	}
	t = xcalloc(1, sizeof(*t));
	list_init(&t->link);
	list_init(&t->wake);
	timeout_init(&t->timeout, on_late, t);
	t->up = u;
	t->easy = curl_easy_init();
	must(t->easy != NULL, "curl_easy_init");
	set_safety(t->easy);
	set_callbacks(t);
	return t;
}

static void
handle_free(struct transfer *t)
{
	curl_easy_cleanup(t->easy);
	free(t->ca_file);
	free(t->proxy);
	free(t);
}

/* The call is over: wipe its key; the handle rests. */
static void
handle_put(struct transfer *t)
{
	struct upstream *u = t->up;

	list_remove(&t->link);
	list_remove(&t->wake);
	timeout_stop(&t->timeout);
	letter_fini(&t->letter);
	t->phase = POOLED;
	if (u->pooled == HANDLES_KEPT) {
		handle_free(t);
		return;
	}
	u->pooled++;
	/* The one used last is found first: it is warm. */
	list_push(u->pool.next, &t->link);
}

static void
leave(struct transfer *t)
{
	struct upstream *u = t->up;

	u->in_curl = true;
	must(curl_multi_remove_handle(u->multi, t->easy) == CURLM_OK,
	    "curl_multi_remove_handle");
	u->in_curl = false;
}

/* --- the request --- */

static void
set_body(struct transfer *t)
{
	const struct letter *l = &t->letter;
	bool at_once =
	    l->piece_count == 1 && l->body_bytes <= LETTER_JOIN_BYTES;

	if (l->piece_count == 0) {
		SET(t->easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	SET(t->easy, CURLOPT_POST, 1L);
	SET(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)l->body_bytes);
	/* The library copies it behind the head: one packet; else on_body. */
	SET(t->easy, CURLOPT_POSTFIELDS, at_once ? l->pieces[0].ptr : NULL);
}

/* Set a text that most often is as it was. */
static bool
changes(char **kept, const char *text)
{
	if (text == NULL && *kept == NULL)
		return false;
	if (text != NULL && *kept != NULL && strcmp(text, *kept) == 0)
		return false;
	free(*kept);
	*kept = text != NULL ? xstrdup(text) : NULL;
	return true;
}

static void
set_route(struct transfer *t, const struct transfer_request *r)
{
	struct upstream *u = t->up;

	if (changes(&t->ca_file, r->ca_file)) {
		SET(t->easy, CURLOPT_CAINFO,
		    t->ca_file != NULL ? t->ca_file : u->default_ca);
		SET(t->easy, CURLOPT_CAPATH,
		    t->ca_file != NULL ? NULL : u->default_ca_dir);
	}
	if (changes(&t->proxy, r->proxy))
		SET(t->easy, CURLOPT_PROXY, t->proxy != NULL ? t->proxy : "");
	SET(t->easy, CURLOPT_URL, r->url);
	SET(t->easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(r->connect_ms > 0 ? r->connect_ms : CONNECT_MS));
}

static void
set_lines(struct transfer *t)
{
	size_t i, n = t->letter.line_count;

	for (i = 0; i < n; i++) {
		t->lines[i].data = t->letter.lines[i];
		t->lines[i].next = i + 1 < n ? &t->lines[i + 1] : NULL;
	}
	SET(t->easy, CURLOPT_HTTPHEADER, t->lines);
}

struct transfer *
transfer_start(struct upstream *u, const struct transfer_request *request,
    const struct transfer_events *events, void *arg)
{
	struct transfer *t = handle_get(u);

	u->now_us = clock_mono_us();
	t->phase = WAITING;
	t->events = events;
	t->arg = arg;
	t->paused = t->is_fated = false;
	t->head_bytes = 0;
	t->body_bytes = 0;
	t->why[0] = '\0';
	t->first_byte_us = request->first_byte_ms * US_PER_MS;
	t->idle_us = request->idle_ms * US_PER_MS;
	if (letter_init(&t->letter, request)) {
		set_lines(t);
		set_body(t);
		set_route(t, request);
	} else {
		t->is_fated = true;
		t->fate = TRANSFER_BROKEN;
		snprintf(t->why, sizeof(t->why), "a header is not sound");
	}
	timeout_start(u->timeouts, &t->timeout,
	    request->total_ms > 0 ? u->now_us + request->total_ms * US_PER_MS
				  : TIMEOUT_NEVER);
	list_push(&u->waiting, &t->link);
	loop_soon(u->loop, &u->pump);
	return t;
}

/* --- the end --- */

static enum transfer_end
end_before_sending(CURLcode code, struct transfer *t)
{
	curl_off_t lookup_us = 0;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return TRANSFER_NO_NAME;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return TRANSFER_NO_TRUST;
	case CURLE_OPERATION_TIMEDOUT:
		curl_easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME_T,
		    &lookup_us);
		return lookup_us == 0 ? TRANSFER_NO_NAME : TRANSFER_NO_ROUTE;
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
	case CURLE_RECV_ERROR: /* by a proxy */
	case CURLE_SEND_ERROR:
		return TRANSFER_NO_ROUTE;
	default:
		return TRANSFER_BROKEN;
	}
}

/* Is all there that Content-Length promised?  The library checked that too. */
static bool
is_whole(struct transfer *t)
{
	curl_off_t promised = -1;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
	    &promised);
	return status == 204 || status == 304 || promised < 0 ||
	       promised == t->body_bytes;
}

static enum transfer_end
end_of(CURLcode code, struct transfer *t)
{
	if (t->is_fated)
		return t->fate;
	if (t->phase == STARTED)
		return end_before_sending(code, t);
	switch (code) {
	case CURLE_OK:
		return t->phase == HEADED && is_whole(t) ? TRANSFER_OK
							 : TRANSFER_TRUNCATED;
	case CURLE_OUT_OF_MEMORY: /* a line beyond its own cap */
		return t->phase == HEADED ? TRANSFER_BROKEN
					  : TRANSFER_TOO_LARGE;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_ABORTED_BY_CALLBACK: /* on_sending would not resend */
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return t->head_bytes > 0 ? TRANSFER_TRUNCATED : TRANSFER_RESET;
	default:
		return TRANSFER_BROKEN;
	}
}

/* The library has let go of it. */
static void
finish(struct transfer *t, enum transfer_end end)
{
	list_remove(&t->link);
	list_remove(&t->wake);
	timeout_stop(&t->timeout);
	t->events->on_end(t->arg, end);
	handle_put(t);
}

/* After each use of the library: what ended, and what was cancelled in it. */
static void
sweep(struct upstream *u)
{
	struct transfer *t;
	struct list *dead;
	CURLMsg *message;
	CURLcode code;
	int left;

	while ((message = curl_multi_info_read(u->multi, &left)) != NULL) {
		assert(message->msg == CURLMSG_DONE);
		code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
		if (t->phase == GONE)
			continue;
		leave(t);
		finish(t, end_of(code, t));
	}
	while ((dead = list_pop(&u->dying)) != NULL) {
		t = container_of(dead, struct transfer, link);
		leave(t);
		handle_put(t);
	}
}

static void
act(struct upstream *u, curl_socket_t fd, int what)
{
	int running;

	u->in_curl = true;
	must(curl_multi_socket_action(u->multi, fd, what, &running) == CURLM_OK,
	    "curl_multi_socket_action");
	u->in_curl = false;
}

static void
on_ready(void *arg, int fd, int what)
{
	struct upstream *u = arg;

	u->now_us = clock_mono_us();
	act(u, fd,
	    (what & LOOP_READ ? CURL_CSELECT_IN : 0) |
		(what & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
	sweep(u);
}

static void
begin(struct upstream *u)
{
	struct list *item;

	while ((item = list_pop(&u->waiting)) != NULL) {
		struct transfer *t = container_of(item, struct transfer, link);

		if (t->is_fated) {
			finish(t, t->fate);
			continue;
		}
		t->phase = STARTED;
		list_push(&u->live, &t->link);
		u->in_curl = true;
		must(curl_multi_add_handle(u->multi, t->easy) == CURLM_OK,
		    "curl_multi_add_handle");
		u->in_curl = false;
	}
}

static void
resume(struct upstream *u)
{
	struct list batch, *item;

	/* What refuses again and is resumed at once waits for the next turn. */
	list_init(&batch);
	list_append(&batch, &u->resumed);
	while ((item = list_pop(&batch)) != NULL) {
		struct transfer *t = container_of(item, struct transfer, wake);

		if (!t->paused)
			continue;
		t->paused = false;
		push_due(t, t->idle_us);
		u->in_curl = true;
		/* A failure comes as the end of the transfer. */
		curl_easy_pause(t->easy, CURLPAUSE_CONT);
		u->in_curl = false;
		u->kick = true;
	}
}

static void
pump(void *arg)
{
	struct upstream *u = arg;

	u->now_us = clock_mono_us();
	begin(u);
	resume(u);
	if (u->kick) {
		u->kick = false;
		act(u, CURL_SOCKET_TIMEOUT, 0);
	}
	sweep(u);
}

static void
on_due(void *arg)
{
	struct upstream *u = arg;

	u->now_us = clock_mono_us();
	act(u, CURL_SOCKET_TIMEOUT, 0);
	sweep(u);
}

static void
on_late(void *arg)
{
	struct transfer *t = arg;

	t->up->now_us = clock_mono_us();
	if (t->phase != WAITING)
		leave(t);
	finish(t, TRANSFER_SLOW);
}

/* --- the rest of the contract --- */

struct slice
transfer_header(struct transfer *t, const char *name)
{
	struct curl_header *found;

	assert(
	    t->phase == HEADED || t->phase == SENDING || t->phase == STARTED);
	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &found) !=
	    CURLHE_OK)
		return slice_of("");
	return slice_of(found->value);
}

const char *
transfer_why(const struct transfer *t)
{
	return t->why;
}

void
transfer_resume(struct transfer *t)
{
	assert(t->phase == HEADED);
	if (list_empty(&t->wake))
		list_push(&t->up->resumed, &t->wake);
	loop_soon(t->up->loop, &t->up->pump);
}

void
transfer_cancel(struct transfer *t)
{
	struct upstream *u = t->up;

	assert(t->phase != POOLED && t->phase != GONE);
	list_remove(&t->link);
	list_remove(&t->wake);
	if (u->in_curl && t->phase != WAITING) {
		t->phase = GONE;
		timeout_stop(&t->timeout);
		list_push(&u->dying, &t->link);
		return;
	}
	if (t->phase != WAITING)
		leave(t);
	handle_put(t);
}

struct upstream *
upstream_new(struct loop *loop)
{
	struct upstream *u = xcalloc(1, sizeof(*u));
	struct transfer *first;
	char *text = NULL;

	upstream_start();
	u->loop = loop;
	u->timeouts = timeouts_new(loop);
	timeout_init(&u->due, on_due, u);
	list_init(&u->pool);
	list_init(&u->waiting);
	list_init(&u->live);
	list_init(&u->dying);
	list_init(&u->resumed);
	loop_task_init(&u->pump, pump, u);
	u->wires = wires_new(loop, on_ready, u);
	u->multi = curl_multi_init();
	must(u->multi != NULL, "curl_multi_init");
	SET_MULTI(u->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
	SET_MULTI(u->multi, CURLMOPT_SOCKETDATA, u);
	SET_MULTI(u->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	SET_MULTI(u->multi, CURLMOPT_TIMERDATA, u);
	SET_MULTI(u->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	SET_MULTI(u->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	first = handle_get(u);
	if (curl_easy_getinfo(first->easy, CURLINFO_CAINFO, &text) == CURLE_OK)
		u->default_ca = text != NULL ? xstrdup(text) : NULL;
	if (curl_easy_getinfo(first->easy, CURLINFO_CAPATH, &text) == CURLE_OK)
		u->default_ca_dir = text != NULL ? xstrdup(text) : NULL;
	handle_put(first);
	return u;
}

void
upstream_free(struct upstream *u)
{
	struct list *item;

	if (u == NULL)
		return;
	assert(list_empty(&u->live) && list_empty(&u->waiting));
	assert(list_empty(&u->dying) && !u->in_curl);
	while ((item = list_pop(&u->pool)) != NULL)
		handle_free(container_of(item, struct transfer, link));
	must(curl_multi_cleanup(u->multi) == CURLM_OK, "curl_multi_cleanup");
	loop_task_cancel(&u->pump);
	timeout_stop(&u->due);
	timeouts_free(u->timeouts);
	wires_free(u->wires);
	free(u->default_ca);
	free(u->default_ca_dir);
	free(u);
}
