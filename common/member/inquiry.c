#include "common/member/inquiry.h"

#include "common/net/http.h"

static void
on_run(struct errand *e, const atomic_bool *stop)
{
	struct inquiry *i = container_of(e, struct inquiry, errand);

	i->status = i->work(i, stop);
	if (!i->out.failed)
		return;
	buf_reset(&i->out);
	buf_puts(&i->out, "the answer is too large; ask for less\n");
	i->status = 507;
}

void
inquiry_answer(struct inquiry *i)
{
	bool good = i->status / 100 == 2;
	const struct http_field fields[] = {
		{ "Content-Type",
		    slice_of(
			good ? i->media_type : "text/plain; charset=utf-8") },
		{ "Cache-Control", slice_of("no-store") },
		{ "X-Content-Type-Options", slice_of("nosniff") },
	};

	if (i->exchange != NULL) {
		http_set_owner(i->exchange, NULL);
		if (i->status == 0) {
			buf_puts(&i->out, "the daemon ends; ask again\n");
			i->status = 503;
		}
		http_answer(i->exchange, i->status, fields, count_of(fields),
		    &i->out);
	}
	buf_fini(&i->out);
	i->free(i);
}

static void
on_done(struct errand *e)
{
	inquiry_answer(container_of(e, struct inquiry, errand));
}

void
inquiry_hold(struct inquiry *i, struct http_exchange *x)
{
	i->exchange = x;
	http_set_owner(x, i);
}

bool
inquiry_send(struct inquiry *i, struct errands *es, struct http_exchange *x)
{
	i->errand.run = on_run;
	i->errand.done = on_done;
	if (!errands_send(es, &i->errand))
		return false;
	inquiry_hold(i, x);
	return true;
}

void
inquiry_forget(void *owner)
{
	struct inquiry *i = owner;

	if (i != NULL)
		i->exchange = NULL;
}
