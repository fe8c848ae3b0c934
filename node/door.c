#include "node/door.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/member/certificate.h"
#include "common/member/worker.h"
#include "common/net/http.h"
#include "node/node.h"
#include "node/surface.h"
#include "topology/load.h"

#define CONNECTIONS_MAX 16384
#define HEAD_MS         10000
#define BODY_MS         60000
#define IDLE_MS         75000
#define WHY_MAX         4096

/* A server that takes nobody any more. */
struct retired {
	struct list link;
	struct http_server *http;
};

bool
door_fits(const struct topology *t, struct buf *why)
{
	struct certificate c;

	if (!certificate_read(&c, &t->node->tls, "tls", why))
		return false;
	certificate_fini(&c);
	return true;
}

static struct http_server *
serve(struct door *d, int fd, const struct certificate *c, const char **why)
{
	struct worker *w = d->desk->worker;
	struct http_config config = {
		.listen_fd = fd,
		.connections_max = CONNECTIONS_MAX,
		.body_max_bytes = (size_t)w->topology->node->max_body_bytes,
		.body_memory = &w->process->body_memory,
		.head_ms = HEAD_MS,
		.body_ms = BODY_MS,
		.idle_ms = IDLE_MS,
		.on_head = surface_on_head,
		.on_body = surface_on_body,
		.on_refused = surface_on_refused,
		.on_sent = surface_on_sent,
		.on_gone = surface_on_gone,
		.on_done = surface_on_done,
		.arg = d->desk,
	};

	if (c->chain != NULL) {
		config.tls_cert = secret_view(c->chain).ptr;
		config.tls_key = secret_view(c->key).ptr;
	}
	return http_server_new(w->loop, &config, why);
}

/* The files were looked at when the topology was, so this hardly fails. */
static bool
read_certificate(const struct door *d, struct certificate *c)
{
	struct buf why;
	bool fine;

	buf_init(&why, WHY_MAX);
	fine = certificate_read(c, &d->desk->worker->topology->node->tls, "tls",
	    &why);
	if (!fine)
		log_error("cannot read the certificate for callers",
		    log_str("why", buf_text(&why)));
	buf_fini(&why);
	return fine;
}

void
door_open(struct door *d, struct desk *desk)
{
	struct certificate c;
	const char *why = "no certificate";

	*d =
	    (struct door){ .desk = desk, .listen_fd = desk->worker->listen_fd };
	list_init(&d->retired);
	if (read_certificate(d, &c))
		d->http = serve(d, d->listen_fd, &c, &why);
	if (d->http == NULL) {
		log_error("cannot serve HTTP", log_str("why", why));
		abort();
	}
	d->certificate = c.hash;
	certificate_fini(&c);
}

static void
retire(struct door *d)
{
	struct retired *old = xcalloc(1, sizeof(*old));

	http_server_drain(d->http);
	old->http = d->http;
	list_push(&d->retired, &old->link);
	desk_watch_deadlines(d->desk);
}

/* Nobody who comes meanwhile is turned away: the socket stays, as a copy. */
static void
replace(struct door *d, const struct certificate *c)
{
	int fd = fcntl(d->listen_fd, F_DUPFD_CLOEXEC, 0);
	const char *why = "no descriptor is left";
	struct http_server *http = NULL;

	if (fd >= 0)
		http = serve(d, fd, c, &why);
	if (http == NULL) {
		log_error("the old certificate stays", log_str("why", why));
		if (fd >= 0)
			close(fd);
		return;
	}
	retire(d);
	d->http = http;
	d->listen_fd = fd;
	d->certificate = c->hash;
	log_info("serving callers with a new certificate");
}

void
door_adopt(struct door *d)
{
	struct certificate c;

	if (d->desk->draining || !read_certificate(d, &c))
		return;
	if (!crypto_equal(&c.hash, &d->certificate, sizeof(c.hash)))
		replace(d, &c);
	certificate_fini(&c);
}

static void
discard(struct retired *r)
{
	list_remove(&r->link);
	http_server_free(r->http);
	free(r);
}

bool
door_sweep(struct door *d)
{
	list_each(at, &d->retired) {
		struct retired *r = container_of(at, struct retired, link);

		if (http_server_empty(r->http))
			discard(r);
	}
	return !list_empty(&d->retired);
}

void
door_drain(struct door *d)
{
	http_server_drain(d->http);
}

bool
door_idle(const struct door *d)
{
	list_each(at, &d->retired) {
		if (http_server_busy(
			container_of(at, struct retired, link)->http) > 0)
			return false;
	}
	return http_server_busy(d->http) == 0;
}

void
door_close(struct door *d)
{
	list_each(at, &d->retired) {
		discard(container_of(at, struct retired, link));
	}
	http_server_free(d->http);
}
