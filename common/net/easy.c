#include "common/net/easy.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
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
 * byte.  on_prereq is called before each sending and lets one pass; a body
 * that comes from on_body cannot be rewound either.
 */

#define CONNECTIONS_KEPT  512  /* idle ones, a loop */
#define HANDLES_KEPT      256  /* idle ones, a loop; 5 KiB each */
#define CONNECTION_LIFE_S 3600 /* then certificates are checked again */
#define CONNECT_MS        5000
#define HEAD_BYTES_MAX    65536

enum phase {
	IDLE,    /* in the pool, or not started */
	STARTED, /* looking up, connecting */
	SENDING, /* or waiting for the head */
	HEADED   /* on_head was called */
};

struct easy {
	struct list link; /* in easies.pool or .stopping */
	struct easies *set;
	CURL *curl;
	char *ca_file, *proxy; /* as set in the handle; NULL: the default */
	char *url;             /* which the handle and `parsed` have */
	CURLU *parsed;
	enum phase phase;
	bool stopped;   /* from inside a callback: collect lets go of it */
	bool too_large; /* the head */
	void *arg;
	struct letter letter;
	struct curl_slist lines[LETTER_LINES_MAX]; /* of the letter's texts */
	size_t head_bytes;
	curl_off_t body_bytes; /* taken by on_data */
	char why[CURL_ERROR_SIZE];
};

struct easies {
	struct loop *loop;
	CURLM *multi;
	const struct easy_events *events;
	struct wires *wires;
	struct list pool, stopping;
	size_t pooled;
	bool in_curl;         /* no calls that would re-enter it */
	struct loop_task due; /* it wants to be called at once */
	struct timeouts *timeouts;
	struct timeout due_later; /* … or then */
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

/* --- what the library calls --- */

static size_t
on_body(char *to, size_t one, size_t room, void *arg)
{
	struct easy *e = arg;

	(void)one;
	if (e->stopped)
		return CURL_READFUNC_ABORT;
	e->set->events->on_sending(e->arg);
	return letter_read(&e->letter, to, room);
}

static int
on_prereq(void *arg, char *remote_ip, char *local_ip, int remote_port,
    int local_port)
{
	struct easy *e = arg;

	(void)remote_ip;
	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	if (e->stopped || e->phase != STARTED)
		return CURL_PREREQFUNC_ABORT;
	e->phase = SENDING;
	e->set->events->on_sending(e->arg);
	return CURL_PREREQFUNC_OK;
}

/* One line of the head, or of a chunked body's trailer. */
static size_t
on_line(char *line, size_t one, size_t len, void *arg)
{
	struct easy *e = arg;
	long status = 0;

	(void)one;
	if (e->stopped)
		return 0;
	e->head_bytes += len;
	e->too_large = e->head_bytes > HEAD_BYTES_MAX;
	if (e->too_large)
		return 0;
	if (e->phase == HEADED || (line[0] != '\r' && line[0] != '\n'))
		return len;
	curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return len;
	e->phase = HEADED;
	e->set->events->on_head(e->arg, (int)status);
	return e->stopped ? 0 : len;
}

static size_t
on_bytes(char *bytes, size_t one, size_t len, void *arg)
{
	struct easy *e = arg;
	bool took;

	(void)one;
	if (e->stopped || len == 0)
		return 0;
	assert(e->phase == HEADED);
	took = e->set->events->on_data(e->arg, slice_make(bytes, len));
	if (e->stopped)
		return 0;
	if (!took)
		return CURL_WRITEFUNC_PAUSE;
	e->body_bytes += (curl_off_t)len;
	return len;
}

static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct easies *es = arg;

	(void)purpose;
	return wires_open(es->wires, to->family, to->socktype, to->protocol);
}

static int
on_close(void *arg, curl_socket_t fd)
{
	struct easies *es = arg;

	wires_close(es->wires, fd);
	return 0;
}

static int
on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct easies *es = arg;
	int wants = 0;

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		wants |= LOOP_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		wants |= LOOP_WRITE;
	wires_want(es->wires, fd, wants);
	return 0;
}

static int
on_timeout(CURLM *multi, long after_ms, void *arg)
{
	struct easies *es = arg;

	(void)multi;
	timeout_stop(&es->due_later);
	if (after_ms == 0) /* at every start: no timer for that */
		loop_soon(es->loop, &es->due);
	else if (after_ms > 0)
		timeout_start(es->timeouts, &es->due_later,
		    clock_mono_us() + after_ms * US_PER_MS);
	return 0;
}

/* --- handles --- */

static void
set_safety(CURL *curl)
{
	SET(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(curl, CURLOPT_FOLLOWLOCATION, 0L);
	SET(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(curl, CURLOPT_PATH_AS_IS, 1L);
	SET(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(curl, CURLOPT_PROXY, "");
	SET(curl, CURLOPT_NOPROXY, "");
	SET(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(curl, CURLOPT_CA_CACHE_TIMEOUT, (long)CONNECTION_LIFE_S);
	SET(curl, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
	SET(curl, CURLOPT_NOSIGNAL, 1L);
	SET(curl, CURLOPT_QUICK_EXIT, 1L);
	SET(curl, CURLOPT_TCP_NODELAY, 1L);
	SET(curl, CURLOPT_TCP_KEEPALIVE, 1L);
}

static void
set_callbacks(struct easy *e)
{
	SET(e->curl, CURLOPT_PRIVATE, e);
	SET(e->curl, CURLOPT_ERRORBUFFER, e->why);
	SET(e->curl, CURLOPT_READFUNCTION, on_body);
	SET(e->curl, CURLOPT_READDATA, e);
	SET(e->curl, CURLOPT_PREREQFUNCTION, on_prereq);
	SET(e->curl, CURLOPT_PREREQDATA, e);
	SET(e->curl, CURLOPT_HEADERFUNCTION, on_line);
	SET(e->curl, CURLOPT_HEADERDATA, e);
	SET(e->curl, CURLOPT_WRITEFUNCTION, on_bytes);
	SET(e->curl, CURLOPT_WRITEDATA, e);
	SET(e->curl, CURLOPT_OPENSOCKETFUNCTION, on_open);
	SET(e->curl, CURLOPT_OPENSOCKETDATA, e->set);
	SET(e->curl, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	SET(e->curl, CURLOPT_CLOSESOCKETDATA, e->set);
}

static struct easy *
pool_get(struct easies *es)
{
	struct list *idle = list_pop(&es->pool);
	struct easy *e;

	if (idle != NULL) {
		es->pooled--;
		return container_of(idle, struct easy, link);
	}
	e = xcalloc(1, sizeof(*e));
	list_init(&e->link);
	e->set = es;
	e->curl = curl_easy_init();
	must(e->curl != NULL, "curl_easy_init");
	e->parsed = curl_url();
	must(e->parsed != NULL, "curl_url");
	set_safety(e->curl);
	set_callbacks(e);
	return e;
}

static void
easy_free(struct easy *e)
{
	curl_easy_cleanup(e->curl);
	curl_url_cleanup(e->parsed);
	free(e->ca_file);
	free(e->proxy);
	free(e->url);
	free(e);
}

/* The call is over: wipe its key; the handle rests. */
static void
pool_put(struct easy *e)
{
	struct easies *es = e->set;

	letter_fini(&e->letter);
	e->phase = IDLE;
	e->stopped = false;
	if (es->pooled == HANDLES_KEPT) {
		easy_free(e);
		return;
	}
	es->pooled++;
	/* The one used last is found first: it is warm. */
	list_push(es->pool.next, &e->link);
}

/* --- the request --- */

static void
set_body(struct easy *e)
{
	const struct letter *l = &e->letter;
	bool at_once =
	    l->piece_count == 1 && l->body_bytes <= LETTER_JOIN_BYTES;

	if (l->piece_count == 0) {
		SET(e->curl, CURLOPT_HTTPGET, 1L);
		return;
	}
	SET(e->curl, CURLOPT_POST, 1L);
	SET(e->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)l->body_bytes);
	/* The library copies it behind the head: one packet; else on_body. */
	SET(e->curl, CURLOPT_POSTFIELDS, at_once ? l->pieces[0].ptr : NULL);
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

/*
 * A handle most often goes where it went: parsed once.  What cannot be parsed
 * is the library's to refuse.
 */
static void
set_url(struct easy *e, const char *url)
{
	const unsigned flags = CURLU_PATH_AS_IS | CURLU_DISALLOW_USER;
	bool good;

	if (!changes(&e->url, url))
		return;
	good = curl_url_set(e->parsed, CURLUPART_URL, url, flags) == CURLUE_OK;
	SET(e->curl, CURLOPT_URL, url);
	SET(e->curl, CURLOPT_CURLU, good ? e->parsed : NULL);
}

static void
set_route(struct easy *e, const struct transfer_request *r)
{
	struct easies *es = e->set;

	if (changes(&e->ca_file, r->ca_file)) {
		SET(e->curl, CURLOPT_CAINFO,
		    e->ca_file != NULL ? e->ca_file : es->default_ca);
		SET(e->curl, CURLOPT_CAPATH,
		    e->ca_file != NULL ? NULL : es->default_ca_dir);
	}
	if (changes(&e->proxy, r->proxy))
		SET(e->curl, CURLOPT_PROXY, e->proxy != NULL ? e->proxy : "");
	set_url(e, r->url);
	SET(e->curl, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(r->connect_ms > 0 ? r->connect_ms : CONNECT_MS));
}

static void
set_lines(struct easy *e)
{
	size_t i, n = e->letter.line_count;

	for (i = 0; i < n; i++) {
		e->lines[i].data = e->letter.lines[i];
		e->lines[i].next = i + 1 < n ? &e->lines[i + 1] : NULL;
	}
	SET(e->curl, CURLOPT_HTTPHEADER, e->lines);
}

struct easy *
easy_new(struct easies *es, const struct transfer_request *r, void *arg)
{
	struct easy *e = pool_get(es);

	if (!letter_init(&e->letter, r)) {
		pool_put(e);
		return NULL;
	}
	e->arg = arg;
	e->too_large = false;
	e->head_bytes = 0;
	e->body_bytes = 0;
	e->why[0] = '\0';
	set_lines(e);
	set_body(e);
	set_route(e, r);
	return e;
}

/* --- the end --- */

/*
 * What a failure means before the request was sent, and after.  Connecting
 * fails after it, too: when the library wanted to send it again.
 */
static const struct {
	CURLcode code;
	enum transfer_end unsent, sent;
} ends[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, TRANSFER_NO_NAME, TRANSFER_RESET },
	{ CURLE_COULDNT_RESOLVE_PROXY, TRANSFER_NO_NAME, TRANSFER_RESET },
	{ CURLE_COULDNT_CONNECT, TRANSFER_NO_ROUTE, TRANSFER_RESET },
	{ CURLE_PROXY, TRANSFER_NO_ROUTE, TRANSFER_RESET },
	{ CURLE_OPERATION_TIMEDOUT, TRANSFER_NO_ROUTE, TRANSFER_RESET },
	{ CURLE_PEER_FAILED_VERIFICATION, TRANSFER_NO_TRUST, TRANSFER_RESET },
	{ CURLE_SSL_CONNECT_ERROR, TRANSFER_NO_TRUST, TRANSFER_RESET },
	{ CURLE_SSL_CACERT_BADFILE, TRANSFER_NO_TRUST, TRANSFER_RESET },
	{ CURLE_SSL_CERTPROBLEM, TRANSFER_NO_TRUST, TRANSFER_RESET },
	{ CURLE_SSL_CIPHER, TRANSFER_NO_TRUST, TRANSFER_RESET },
	{ CURLE_SEND_ERROR, TRANSFER_NO_ROUTE, TRANSFER_RESET },
	{ CURLE_RECV_ERROR, TRANSFER_NO_ROUTE, TRANSFER_RESET },
	{ CURLE_GOT_NOTHING, TRANSFER_BROKEN, TRANSFER_RESET },
	{ CURLE_PARTIAL_FILE, TRANSFER_BROKEN, TRANSFER_RESET },
	{ CURLE_SEND_FAIL_REWIND, TRANSFER_BROKEN, TRANSFER_RESET },
	{ CURLE_ABORTED_BY_CALLBACK, TRANSFER_BROKEN, TRANSFER_RESET },
	/* A line beyond the library's own cap. */
	{ CURLE_OUT_OF_MEMORY, TRANSFER_BROKEN, TRANSFER_TOO_LARGE },
};

static bool
looked_up(struct easy *e)
{
	curl_off_t us = 0;

	curl_easy_getinfo(e->curl, CURLINFO_NAMELOOKUP_TIME_T, &us);
	return us > 0;
}

/* Is all there that Content-Length promised?  The library checked that too. */
static bool
is_whole(struct easy *e)
{
	curl_off_t promised = -1;
	long status = 0;

	curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(e->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
	    &promised);
	return status == 204 || status == 304 || promised < 0 ||
	       promised == e->body_bytes;
}

static enum transfer_end
end_of(CURLcode code, struct easy *e)
{
	size_t i = 0;

	if (e->too_large)
		return TRANSFER_TOO_LARGE;
	if (code == CURLE_OK)
		return e->phase == HEADED && is_whole(e) ? TRANSFER_OK
							 : TRANSFER_TRUNCATED;
	while (i < count_of(ends) && ends[i].code != code)
		i++;
	if (i == count_of(ends))
		return TRANSFER_BROKEN;
	if (e->phase != STARTED)
		return ends[i].sent == TRANSFER_RESET && e->head_bytes > 0
			   ? TRANSFER_TRUNCATED
			   : ends[i].sent;
	if (code == CURLE_OPERATION_TIMEDOUT && !looked_up(e))
		return TRANSFER_NO_NAME;
	return ends[i].unsent;
}

static void
leave(struct easy *e)
{
	e->set->in_curl = true;
	must(curl_multi_remove_handle(e->set->multi, e->curl) == CURLM_OK,
	    "curl_multi_remove_handle");
	e->set->in_curl = false;
}

/* After each use of the library: what ended, and what was stopped in it. */
static void
collect(struct easies *es)
{
	struct easy *e;
	struct list *item;
	CURLMsg *message;
	CURLcode code;
	int left;

	while ((message = curl_multi_info_read(es->multi, &left)) != NULL) {
		assert(message->msg == CURLMSG_DONE);
		code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &e);
		if (e->stopped)
			continue;
		leave(e);
		es->events->on_end(e->arg, end_of(code, e));
		pool_put(e);
	}
	while ((item = list_pop(&es->stopping)) != NULL) {
		e = container_of(item, struct easy, link);
		leave(e);
		pool_put(e);
	}
}

static void
act(struct easies *es, curl_socket_t fd, int what)
{
	int running;

	es->in_curl = true;
	must(curl_multi_socket_action(es->multi, fd, what, &running) ==
		 CURLM_OK,
	    "curl_multi_socket_action");
	es->in_curl = false;
	collect(es);
}

static void
on_ready(void *arg, int fd, int what)
{
	act(arg, fd,
	    (what & LOOP_READ ? CURL_CSELECT_IN : 0) |
		(what & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
on_due(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

void
easies_turn(struct easies *es)
{
	loop_task_cancel(&es->due);
	act(es, CURL_SOCKET_TIMEOUT, 0);
}

void
easy_start(struct easy *e)
{
	struct easies *es = e->set;

	e->phase = STARTED;
	es->in_curl = true;
	must(curl_multi_add_handle(es->multi, e->curl) == CURLM_OK,
	    "curl_multi_add_handle");
	es->in_curl = false;
}

void
easy_resume(struct easy *e)
{
	struct easies *es = e->set;

	es->in_curl = true;
	/* A failure comes as the end of the transfer. */
	curl_easy_pause(e->curl, CURLPAUSE_CONT);
	es->in_curl = false;
	collect(es);
}

void
easy_stop(struct easy *e)
{
	if (e->phase != IDLE && e->set->in_curl) {
		e->stopped = true;
		list_push(&e->set->stopping, &e->link);
		return;
	}
	if (e->phase != IDLE)
		leave(e);
	pool_put(e);
}

bool
easy_stopped(const struct easy *e)
{
	return e->stopped;
}

struct slice
easy_header(struct easy *e, const char *name)
{
	struct curl_header *found;

	if (curl_easy_header(e->curl, name, 0, CURLH_HEADER, -1, &found) !=
	    CURLHE_OK)
		return slice_of("");
	return slice_of(found->value);
}

const char *
easy_why(const struct easy *e)
{
	return e->why;
}

/* --- the set --- */

static char *
default_of(CURL *curl, CURLINFO what)
{
	char *text = NULL;

	must(curl_easy_getinfo(curl, what, &text) == CURLE_OK,
	    "curl_easy_getinfo");
	return text != NULL ? xstrdup(text) : NULL;
}

struct easies *
easies_new(struct loop *loop, struct timeouts *timeouts,
    const struct easy_events *events)
{
	struct easies *es = xcalloc(1, sizeof(*es));
	CURLM *multi = curl_multi_init();
	struct easy *first;

	must(multi != NULL, "curl_multi_init");
	es->loop = loop;
	es->multi = multi;
	es->events = events;
	es->timeouts = timeouts;
	list_init(&es->pool);
	list_init(&es->stopping);
	loop_task_init(&es->due, on_due, es);
	timeout_init(&es->due_later, on_due, es);
	es->wires = wires_new(loop, on_ready, es);
	SET_MULTI(multi, CURLMOPT_SOCKETFUNCTION, on_watch);
	SET_MULTI(multi, CURLMOPT_SOCKETDATA, es);
	SET_MULTI(multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	SET_MULTI(multi, CURLMOPT_TIMERDATA, es);
	SET_MULTI(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	SET_MULTI(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	first = pool_get(es);
	es->default_ca = default_of(first->curl, CURLINFO_CAINFO);
	es->default_ca_dir = default_of(first->curl, CURLINFO_CAPATH);
	pool_put(first);
	return es;
}

void
easies_free(struct easies *es)
{
	struct list *item;

	assert(list_empty(&es->stopping) && !es->in_curl);
	while ((item = list_pop(&es->pool)) != NULL)
		easy_free(container_of(item, struct easy, link));
	must(curl_multi_cleanup(es->multi) == CURLM_OK, "curl_multi_cleanup");
	loop_task_cancel(&es->due);
	timeout_stop(&es->due_later);
	wires_free(es->wires);
	free(es->default_ca);
	free(es->default_ca_dir);
	free(es);
}
