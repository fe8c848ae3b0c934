#include "tests/sim/wire.h"

#include <string.h>

static void
put(struct text *out, const char *name, const char *value)
{
	text_str(out, name);
	text_str(out, ": ");
	text_str(out, value);
	text_str(out, "\r\n");
}

static void
put_flood(struct text *out, uint64_t headers)
{
	uint64_t i;

	for (i = 0; i < headers; i++) {
		text_str(out, "x-flood-");
		text_num(out, i);
		text_str(out, ": 0123456789abcdef\r\n");
	}
}

static void
put_status(struct text *out, uint64_t status)
{
	text_str(out, "HTTP/1.1 ");
	text_num(out, status);
	text_str(out, status < 300 ? " OK\r\n" : " Scripted\r\n");
}

/* All but the status line. */
static void
put_fields(struct text *out, const struct dialect *d, const struct reply *r,
    const char *type, size_t length)
{
	const struct script *s = r->script;

	put(out, "content-type", type);
	if (length == WIRE_CHUNKED) {
		text_str(out, "transfer-encoding: chunked\r\n");
		text_str(out, "cache-control: no-cache\r\n");
	} else {
		text_str(out, "content-length: ");
		text_num(out, length);
		text_str(out, "\r\n");
	}
	text_str(out, d->id_header);
	text_str(out, ": req_sim_");
	text_num(out, r->n);
	text_str(out, "\r\n");
	if (*s->retry_after)
		put(out, "retry-after", s->retry_after);
	if (*s->redirect)
		put(out, "location", s->redirect);
	if (!strcmp(s->garbage, "gzip"))
		put(out, "content-encoding", "gzip");
	if (s->close)
		put(out, "connection", "close");
	text_str(out, s->header);
	put_flood(out, s->header_flood);
	text_str(out, "\r\n");
}

void
wire_head(struct text *out, const struct dialect *d, const struct reply *r,
    const char *type, size_t length)
{
	put_status(out, r->script->status);
	put_fields(out, d, r, type, length);
}

static uint64_t
choose_status(const struct script *s, uint64_t own, bool ours)
{
	if (ours)
		return own;
	if (*s->redirect)
		return 302;
	return s->status < 300 ? own : s->status;
}

uint64_t
wire_refuse(struct text *out, const struct dialect *d, const struct reply *r,
    const char *name)
{
	const struct script *s = r->script;
	const struct refusal *why;
	struct text body = { 0 };
	bool html = !strcmp(s->body, "html");
	uint64_t status;

	why = refusal_find(*name ? name : s->body, s->status, d->family);
	status = choose_status(s, why->words[d->family].status, *name);
	if (s->body_len)
		text_add(&body, s->body, s->body_len);
	else if (html)
		text_str(&body, "<html><body>Bad Gateway</body></html>");
	else if (strcmp(s->body, "empty"))
		refusal_write(&body, why, d->family, r->n);
	put_status(out, status);
	put_fields(out, d, r, html ? "text/html" : "application/json",
	    body.len);
	text_add(out, body.at, body.len);
	text_fini(&body);
	return status;
}
