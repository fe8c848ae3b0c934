#include "tests/sim/load_target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PROSE "the quick brown fox jumps over the lazy dog "

int64_t
load_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool
parse_url(struct target *t, const char *url, const char **path)
{
	char host[64];
	unsigned port;
	int used;

	if (sscanf(url, "http://%63[0-9.]:%u%n", host, &port, &used) != 2)
		return false;
	*path = url + used;
	t->at = (struct sockaddr_in){ .sin_family = AF_INET };
	t->at.sin_port = htons((uint16_t)port);
	return **path == '/' && port <= UINT16_MAX &&
	       inet_pton(AF_INET, host, &t->at.sin_addr) == 1;
}

/* Where each dialect has its conversation, and what it cannot do without. */
static const struct form {
	const char *dialect, *list, *more;
} forms[] = {
	{ "chat", "messages", "" },
	{ "messages", "messages", "\"max_tokens\":4096," },
	{ "responses", "input", "" },
};

static const struct form *
find_form(const char *dialect)
{
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(forms[i].dialect, dialect))
			return &forms[i];
	return NULL;
}

static bool
copy_file(FILE *to, const char *path)
{
	FILE *from = fopen(path, "re");
	char bytes[65536];
	size_t n;
	bool whole;

	if (!from)
		return false;
	while ((n = fread(bytes, 1, sizeof(bytes), from)) > 0)
		fwrite(bytes, 1, n, to);
	whole = !ferror(from);
	fclose(from);
	return whole;
}

static void
make_body(FILE *to, const struct wish *w, const struct form *form)
{
	uint64_t i;

	fprintf(to,
	    "{\"model\":\"%s\",%s%s\"%s\":[{\"role\":\"user\","
	    "\"content\":\"",
	    w->model, w->stream ? "\"stream\":true," : "", form->more,
	    form->list);
	for (i = 0; i + 100 < w->body_bytes; i += sizeof(PROSE) - 1)
		fputs(PROSE, to);
	if (*w->words)
		fprintf(to, "[[sim %s]]", w->words);
	fputs("\"}]}", to);
}

static bool
write_body(FILE *to, const struct wish *w)
{
	const struct form *form = find_form(w->dialect);

	if (*w->body)
		return copy_file(to, w->body);
	if (form)
		make_body(to, w, form);
	return form;
}

static void
write_head(FILE *to, const struct wish *w, const char *path, size_t length)
{
	fprintf(to,
	    "POST %s HTTP/1.1\r\nHost: load\r\n"
	    "Content-Type: application/json\r\n",
	    path);
	if (*w->bearer)
		fprintf(to, "Authorization: Bearer %s\r\n", w->bearer);
	fprintf(to, "Content-Length: %zu\r\n\r\n", length);
}

bool
target_init(struct target *t, const struct wish *w)
{
	const char *path;
	char *body;
	size_t length;
	bool written;
	FILE *to;

	*t = (struct target){ 0 };
	if (!parse_url(t, w->url, &path))
		return false;
	to = open_memstream(&body, &length);
	written = write_body(to, w);
	fclose(to);
	to = open_memstream(&t->request, &t->request_len);
	write_head(to, w, path, length);
	fwrite(body, 1, length, to);
	fclose(to);
	free(body);
	return written;
}

void
target_fini(struct target *t)
{
	free(t->request);
}

int
target_connect(const struct target *t, bool blocking)
{
	int on = 1,
	    fd = socket(AF_INET,
		SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!connect(fd, (const struct sockaddr *)&t->at, sizeof(t->at)) ||
	    errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}
