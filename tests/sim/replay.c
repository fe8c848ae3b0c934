#include "tests/sim/replay.h"

#include <stdlib.h>
#include <string.h>

void
recording_free(struct recording *a)
{
	if (!a)
		return;
	text_fini(&a->body);
	free(a);
}

void
replay_reset(struct replay *r)
{
	struct recording *a;

	while ((a = r->first)) {
		r->first = a->next;
		recording_free(a);
	}
	*r = (struct replay){ 0 };
}

/* A letter of a query, percent-encoded or not; the bytes it took. */
static size_t
decode(const char *at, size_t len, char *letter)
{
	char hex[3] = "", *end;

	*letter = *at == '+' ? ' ' : *at;
	if (*at != '%' || len < 3)
		return 1;
	memcpy(hex, at + 1, 2);
	*letter = (char)strtoul(hex, &end, 16);
	return *end ? 1 : 3;
}

static bool
copy_value(char *to, size_t size, const char *value)
{
	if (strlen(value) >= size)
		return false;
	strcpy(to, value);
	return true;
}

/* One argument, decoded. */
static bool
parse_argument(struct recording *a, const char *argument, char bad[64])
{
	const char *value = strchr(argument, '=');
	char *end;

	snprintf(bad, 64, "%s", argument);
	if (!strncmp(argument, "type=", 5))
		return copy_value(a->type, sizeof(a->type), value + 1);
	if (!strncmp(argument, "for_path=", 9))
		return copy_value(a->for_path, sizeof(a->for_path), value + 1);
	if (!strncmp(argument, "split=", 6)) {
		a->split = strtoull(value + 1, &end, 10);
		return end > value + 1 && !*end;
	}
	return script_parse(&a->script, argument, strlen(argument), bad);
}

static bool
parse_query(struct recording *a, struct bytes query, char bad[64])
{
	char argument[1024];
	size_t n = 0, i = 0;

	while (i < query.len) {
		for (n = 0; i < query.len && query.at[i] != '&'; n++) {
			if (n + 1 == sizeof(argument))
				return false;
			i += decode(query.at + i, query.len - i, argument + n);
		}
		argument[n] = '\0';
		i += i < query.len;
		if (n && !parse_argument(a, argument, bad))
			return false;
	}
	return true;
}

bool
replay_add(struct replay *r, struct bytes query, struct bytes body,
    char bad[64])
{
	struct recording *a;

	snprintf(bad, 64, "%s", "(too many answers are queued)");
	if (r->count == REPLAY_MAX || body.len > REPLAY_BYTES_MAX - r->bytes)
		return false;
	a = calloc(1, sizeof(*a));
	if (!a) {
		perror("sim: calloc");
		abort();
	}
	script_init(&a->script);
	strcpy(a->type, "application/json");
	snprintf(bad, 64, "%s", "(too long)");
	if (!parse_query(a, query, bad)) {
		recording_free(a);
		return false;
	}
	text_room(&a->body, 1); /* so that there is a place */
	text_add(&a->body, body.at, body.len);
	r->count++;
	r->bytes += body.len;
	if (r->last)
		r->last->next = a;
	else
		r->first = a;
	r->last = a;
	return true;
}

static bool
ends_in(struct bytes path, const char *suffix)
{
	const char *query = memchr(path.at, '?', path.len);
	size_t n = strlen(suffix);

	if (query)
		path.len = (size_t)(query - path.at);
	return path.len >= n && !memcmp(path.at + path.len - n, suffix, n);
}

struct recording *
replay_take(struct replay *r, struct bytes path)
{
	struct recording *before = NULL, *a = r->first;

	for (; a && !ends_in(path, a->for_path); a = a->next)
		before = a;
	if (!a)
		return NULL;
	if (before)
		before->next = a->next;
	else
		r->first = a->next;
	if (r->last == a)
		r->last = before;
	r->count--;
	r->bytes -= a->body.len;
	a->next = NULL;
	return a;
}
