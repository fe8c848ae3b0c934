#pragma once
/*
 * exchange: what one caller gets, for tests of who answers: stands in for
 * common/net/http, whose verbs it has.  It keeps the headers, a line each, the
 * bytes, and how they ended.  For one file of a program.
 */
#include "common/base/buf.h"
#include "common/net/http.h"

#define EXCHANGE_MAX (256u << 20)

struct http_exchange {
	struct buf head, got;
	int status;
	bool streams, ended;
};

static void
exchange_init(struct http_exchange *x)
{
	*x = (struct http_exchange){ .status = 0 };
	buf_init(&x->head, EXCHANGE_MAX);
	buf_init(&x->got, EXCHANGE_MAX);
}

static void
exchange_fini(struct http_exchange *x)
{
	buf_fini(&x->head);
	buf_fini(&x->got);
}

static void
exchange_head(struct http_exchange *x, const struct http_field *fields,
    size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		buf_printf(&x->head, "%s: %.*s\n", fields[i].name,
		    SLICE_FMT(fields[i].value));
}

void
http_answer(struct http_exchange *x, int status,
    const struct http_field *fields, size_t count, struct buf *body)
{
	exchange_head(x, fields, count);
	x->status = status;
	x->ended = true;
	buf_put_slice(&x->got, buf_slice(body));
}

void
http_stream(struct http_exchange *x, int status,
    const struct http_field *fields, size_t count)
{
	exchange_head(x, fields, count);
	x->status = status;
	x->streams = true;
}

bool
http_stream_put(struct http_exchange *x, struct slice bytes)
{
	buf_put_slice(&x->got, bytes);
	return true;
}

void
http_stream_end(struct http_exchange *x)
{
	x->ended = true;
}
