#include "tests/sim/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REUSED_MAX (1024 * 1024) /* bytes of a place that is used again */

struct entry {
	char *start; /* the JSON of the arrival, without its closing brace */
	struct outcome outcome;
};

bool
record_init(struct record *r, bool on, const char *log)
{
	*r = (struct record){ .on = on, .log_fd = -1 };
	if (!log)
		return true;
	r->on = true;
	r->log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return r->log_fd >= 0;
}

static void
forget(struct keepsake *k)
{
	text_fini(&k->head);
	text_fini(&k->body);
	k->n = 0;
}

void
record_reset(struct record *r)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		free(r->entries[i].start);
	r->count = 0;
	r->reset = r->last;
	for (i = 0; i < RECORD_KEPT; i++)
		forget(&r->kept[i]);
}

void
record_fini(struct record *r)
{
	record_reset(r);
	free(r->entries);
	text_fini(&r->line);
	if (r->log_fd >= 0)
		close(r->log_fd);
}

static void
put(struct text *out, const char *key, struct bytes value)
{
	text_str(out, ",\"");
	text_str(out, key);
	text_str(out, "\":\"");
	text_json(out, value.at, value.len);
	text_str(out, "\"");
}

static void
put_number(struct text *out, const char *key, uint64_t n)
{
	text_str(out, ",\"");
	text_str(out, key);
	text_str(out, "\":");
	text_num(out, n);
}

static void
put_flag(struct text *out, const char *key, bool flag)
{
	text_str(out, ",\"");
	text_str(out, key);
	text_str(out, flag ? "\":true" : "\":false");
}

static void
put_credential(struct text *out, const struct arrival *a)
{
	if (a->authorization.len || !a->api_key.len) {
		put(out, "authorization", a->authorization);
		return;
	}
	text_str(out, ",\"authorization\":\"x-api-key ");
	text_json(out, a->api_key.at, a->api_key.len);
	text_str(out, "\"");
}

static void
write_arrival(struct text *out, uint64_t n, const struct arrival *a)
{
	text_str(out, "{\"n\":");
	text_num(out, n);
	put(out, "attempt", a->attempt);
	put_credential(out, a);
	put(out, "method", a->method);
	put(out, "path", a->path);
	put(out, "anthropic_version", a->version);
	put(out, "anthropic_beta", a->beta);
	put(out, "model", a->model);
	put(out, "tag", a->tag);
	put_number(out, "body_bytes", a->body.len);
	put_flag(out, "stream", a->stream);
	put_flag(out, "reused_connection", a->reused);
}

static void
append_log(struct record *r)
{
	size_t len = r->line.len;

	if (r->log_fd < 0)
		return;
	text_str(&r->line, "}\n");
	if (write(r->log_fd, r->line.at, r->line.len) != (ssize_t)r->line.len)
		perror("sim: log");
	r->line.len = len;
}

static void
keep(struct record *r)
{
	struct entry *e;

	if (r->count == RECORD_MAX)
		return;
	if (r->count == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 256;
		r->entries = realloc(r->entries, r->cap * sizeof(*e));
	}
	e = r->entries ? &r->entries[r->count++] : NULL;
	if (!e || !(e->start = strndup(r->line.at, r->line.len))) {
		perror("sim: record");
		abort();
	}
	e->outcome = (struct outcome){ 0 };
}

static struct keepsake *
place_of(struct record *r, uint64_t n)
{
	return &r->kept[n % RECORD_KEPT];
}

/* In a place that keeps its memory, unless that is much. */
static void
keep_bytes(struct record *r, uint64_t n, const struct arrival *a)
{
	struct keepsake *before = place_of(r, n - 1), *k = place_of(r, n);

	if (before->body.len > RECORD_KEPT_MAX)
		forget(before);
	if (k->body.cap > REUSED_MAX)
		forget(k);
	k->n = n;
	k->head.len = k->body.len = 0;
	text_add(&k->head, a->head.at, a->head.len);
	text_add(&k->body, a->body.at, a->body.len);
}

const struct keepsake *
record_find(const struct record *r, uint64_t n)
{
	const struct keepsake *k = &r->kept[n % RECORD_KEPT];

	return n && k->n == n ? k : NULL;
}

uint64_t
record_arrival(struct record *r, const struct arrival *a)
{
	uint64_t n = ++r->last;

	if (!r->on)
		return n;
	r->line.len = 0;
	write_arrival(&r->line, n, a);
	append_log(r);
	keep(r);
	keep_bytes(r, n, a);
	return n;
}

void
record_outcome(struct record *r, uint64_t n, const struct outcome *o)
{
	if (n > r->reset && n - r->reset <= r->count)
		r->entries[n - r->reset - 1].outcome = *o;
}

void
record_write(const struct record *r, struct text *out)
{
	size_t i;

	text_str(out, "[");
	for (i = 0; i < r->count; i++) {
		const struct entry *e = &r->entries[i];

		text_str(out, i ? ",\n" : "\n");
		text_str(out, e->start);
		put_number(out, "status", e->outcome.status);
		put_number(out, "chunks_sent", e->outcome.chunks);
		put_flag(out, "finished", e->outcome.finished);
		put_flag(out, "client_gone", e->outcome.client_gone);
		text_str(out, "}");
	}
	text_str(out, "\n]\n");
}
