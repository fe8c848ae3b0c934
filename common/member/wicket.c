#include "common/member/wicket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/member/admin.h"
#include "common/member/certificate.h"
#include "common/member/process.h"
#include "topology/load.h"

#define NAME    "admin_tls"
#define WHY_MAX 4096

struct wicket {
	struct process *process;
	struct loop *loop;
	int listen_fd; /* the present server's */
	unsigned port;
	struct admin *admin;
	struct hash certificate;
	struct list retired;
};

/* A server that takes nobody any more. */
struct retired {
	struct list link;
	struct admin *admin;
};

static const struct tls_files *
files_of(const struct topology *t)
{
	return t->node != NULL ? &t->node->admin_tls : &t->egress->admin_tls;
}

struct slice
wicket_listen(const struct topology *t)
{
	return t->node != NULL ? t->node->admin_listen
			       : t->egress->admin_listen;
}

bool
wicket_fits(const struct topology *t, struct buf *why)
{
	struct certificate c;

	if (!certificate_read(&c, files_of(t), NAME, why))
		return false;
	certificate_fini(&c);
	return true;
}

static struct admin *
serve(const struct wicket *w, int fd, const struct certificate *c,
    const char **why)
{
	struct admin_door door = { .listen_fd = fd };

	if (c->chain != NULL) {
		door.tls_cert = secret_view(c->chain).ptr;
		door.tls_key = secret_view(c->key).ptr;
	}
	return admin_new(w->process, w->loop, &door, why);
}

struct wicket *
wicket_new(struct process *p, struct loop *loop, struct buf *why)
{
	struct slice address = wicket_listen(p->topology);
	struct wicket *w = xcalloc(1, sizeof(*w));
	const char *reason = NULL;
	struct certificate c;

	w->process = p;
	w->loop = loop;
	list_init(&w->retired);
	w->listen_fd = listen_tcp(address, false, &reason);
	if (w->listen_fd >= 0)
		reason = NULL; /* what follows has its own */
	if (w->listen_fd >= 0 &&
	    certificate_read(&c, files_of(p->topology), NAME, why)) {
		w->port = listen_port(w->listen_fd);
		w->admin = serve(w, w->listen_fd, &c, &reason);
		w->certificate = c.hash;
		certificate_fini(&c);
	}
	if (w->admin != NULL)
		return w;
	if (reason != NULL)
		buf_printf(why, "admin_listen %.*s: %s\n", SLICE_FMT(address),
		    reason);
	wicket_free(w);
	return NULL;
}

unsigned
wicket_port(const struct wicket *w)
{
	return w->port;
}

static void
retire(struct wicket *w)
{
	struct retired *old = xcalloc(1, sizeof(*old));

	admin_drain(w->admin);
	old->admin = w->admin;
	list_push(&w->retired, &old->link);
}

/* Nobody who comes meanwhile is turned away: the socket stays, as a copy. */
static void
replace(struct wicket *w, const struct certificate *c)
{
	int fd = fcntl(w->listen_fd, F_DUPFD_CLOEXEC, 0);
	const char *why = "no descriptor is left";
	struct admin *admin = NULL;

	if (fd >= 0)
		admin = serve(w, fd, c, &why);
	if (admin == NULL) {
		log_error("the old certificate for operators stays",
		    log_str("why", why));
		if (fd >= 0)
			close(fd);
		return;
	}
	retire(w);
	w->admin = admin;
	w->listen_fd = fd;
	w->certificate = c->hash;
	log_info("serving operators with a new certificate");
}

/* The files were looked at when the topology was, so this hardly fails. */
void
wicket_adopt(struct wicket *w)
{
	struct certificate c;
	struct buf why;

	buf_init(&why, WHY_MAX);
	if (!certificate_read(&c, files_of(w->process->topology), NAME, &why)) {
		log_error("cannot read the certificate for operators",
		    log_str("why", buf_text(&why)));
	} else {
		if (!crypto_equal(&c.hash, &w->certificate, sizeof(c.hash)))
			replace(w, &c);
		certificate_fini(&c);
	}
	buf_fini(&why);
}

static void
discard(struct retired *r)
{
	list_remove(&r->link);
	admin_free(r->admin);
	free(r);
}

void
wicket_sweep(struct wicket *w)
{
	list_each(at, &w->retired) {
		struct retired *r = container_of(at, struct retired, link);

		if (admin_empty(r->admin))
			discard(r);
	}
}

void
wicket_free(struct wicket *w)
{
	if (w == NULL)
		return;
	list_each(at, &w->retired) {
		discard(container_of(at, struct retired, link));
	}
	if (w->admin == NULL && w->listen_fd >= 0)
		close(w->listen_fd);
	admin_free(w->admin);
	free(w);
}
