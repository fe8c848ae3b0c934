#pragma once
/*
 * load_target: whom the load client calls, and the bytes it sends each time.
 * Only http://ADDRESS:PORT/PATH with a numeric IPv4 address.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the user said. */
struct wish {
	const char *url, *bearer, *model, *words;
	const char *dialect; /* of the body that is made */
	const char *body;    /* or the file that has it; "": none */
	bool stream;
	uint64_t body_bytes; /* at least; filled up with prose */
	uint64_t streams, seconds, count, warmup;
};

struct target {
	struct sockaddr_in at;
	char *request;
	size_t request_len;
};

/*
 * False when the URL or the dialect is none or the body's file cannot be
 * read; target_fini frees the request, in either case.
 */
bool target_init(struct target *t, const struct wish *w);

void target_fini(struct target *t);

/* A connected socket, or -1; a connect under way counts as connected. */
int target_connect(const struct target *t, bool blocking);

/* Monotonic. */
int64_t load_now_us(void);
