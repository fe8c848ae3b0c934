#include "tests/sim/control.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct answer {
	unsigned status;
	const char *type;
	struct text body;
};

/* What came of words. */
static void
tell(struct answer *a, bool ok, const char *bad)
{
	if (ok) {
		text_str(&a->body, "{\"ok\":true}\n");
		return;
	}
	a->status = 400;
	text_str(&a->body, "{\"error\":\"no such word: ");
	text_json(&a->body, bad, strlen(bad));
	text_str(&a->body, "\"}\n");
}

static void
do_script(struct server *s, const struct command *c, struct answer *a)
{
	char bad[64];

	tell(a, plan_add(&s->plan, c->body.at, c->body.len, bad), bad);
}

static void
do_answers(struct server *s, const struct command *c, struct answer *a)
{
	char bad[64];

	tell(a, replay_add(&s->replay, c->query, c->body, bad), bad);
}

static void
do_reset(struct server *s, const struct command *c, struct answer *a)
{
	(void)c;
	plan_reset(&s->plan);
	record_reset(&s->record);
	replay_reset(&s->replay);
	text_str(&a->body, "{\"ok\":true}\n");
}

static void
show_calls(struct server *s, const struct command *c, struct answer *a)
{
	(void)c;
	record_write(&s->record, &a->body);
}

/* The call that a path names, by number or as the last; or NULL. */
static const struct keepsake *
find_call(const struct server *s, const struct command *c)
{
	const char *at = c->path.at + strlen("/sim/calls/");

	if (*at == 'l')
		return record_find(&s->record, s->record.last);
	return record_find(&s->record, strtoull(at, NULL, 10));
}

static void
show_body(struct server *s, const struct command *c, struct answer *a)
{
	const struct keepsake *k = find_call(s, c);

	a->type = "application/octet-stream";
	if (k)
		text_add(&a->body, k->body.at, k->body.len);
	else
		a->status = 404;
}

static void
show_headers(struct server *s, const struct command *c, struct answer *a)
{
	const struct keepsake *k = find_call(s, c);

	a->type = "text/plain";
	if (k)
		text_add(&a->body, k->head.at, k->head.len);
	else
		a->status = 404;
}

static void
put(struct text *out, const char *key, uint64_t n)
{
	text_str(out, out->len ? ",\"" : "{\"");
	text_str(out, key);
	text_str(out, "\":");
	text_num(out, n);
}

static void
show_count(struct server *s, const struct command *c, struct answer *a)
{
	const struct record *r = &s->record;

	(void)c;
	put(&a->body, "calls", r->last - r->reset);
	put(&a->body, "kept", r->count);
	put(&a->body, "open_calls", s->open_calls);
	put(&a->body, "open_connections", s->open_connections);
	put(&a->body, "connections", s->connections);
	text_str(&a->body, "}\n");
}

static const struct row {
	const char *method, *path;
	void (
	    *act)(struct server *s, const struct command *c, struct answer *a);
} rows[] = {
	{ "POST", "/sim/script", do_script },
	{ "POST", "/sim/answers", do_answers },
	{ "POST", "/sim/reset", do_reset },
	{ "GET", "/sim/count", show_count },
	{ "GET", "/sim/calls", show_calls },
	{ "GET", "/sim/calls/*/body", show_body },
	{ "GET", "/sim/calls/*/headers", show_headers },
};

static bool
is(struct bytes bytes, const char *word)
{
	return bytes.len == strlen(word) && !memcmp(bytes.at, word, bytes.len);
}

/* A star stands for "last" or a number. */
static bool
matches(struct bytes path, const char *pattern)
{
	const char *star = strchr(pattern, '*');
	size_t n = star ? (size_t)(star - pattern) : 0;

	if (!star || path.len <= n || memcmp(path.at, pattern, n))
		return is(path, pattern);
	path.at += n;
	path.len -= n;
	if (path.len > 4 && !memcmp(path.at, "last", 4))
		n = 4;
	else
		for (n = 0; n < path.len && isdigit((unsigned char)path.at[n]);)
			n++;
	return n && is((struct bytes){ path.at + n, path.len - n }, star + 1);
}

static const struct row *
find_row(const struct command *c)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is(c->method, rows[i].method) &&
		    matches(c->path, rows[i].path))
			return &rows[i];
	return NULL;
}

void
control_answer(struct server *s, const struct command *c, struct text *out)
{
	struct answer a = { .status = 200, .type = "application/json" };
	const struct row *row = find_row(c);

	if (row)
		row->act(s, c, &a);
	else
		a.status = 404;
	text_str(out, "HTTP/1.1 ");
	text_num(out, a.status);
	text_str(out, " Sim\r\ncontent-type: ");
	text_str(out, a.type);
	text_str(out, "\r\ncontent-length: ");
	text_num(out, a.body.len);
	text_str(out, "\r\n\r\n");
	text_add(out, a.body.at, a.body.len);
	text_fini(&a.body);
}
