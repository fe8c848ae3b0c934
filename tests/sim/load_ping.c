#include "tests/sim/load_ping.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/sim/load_answer.h"
#include "tests/sim/load_spread.h"
#include "tests/sim/load_target.h"

/* One call; false when it was not answered with 200. */
static bool
call_once(int fd, const struct target *t)
{
	struct answer a;
	char bytes[65536];
	ssize_t n;

	answer_begin(&a);
	n = send(fd, t->request, t->request_len, MSG_NOSIGNAL);
	if (n != (ssize_t)t->request_len)
		return false;
	while (a.step != ANSWER_WHOLE && a.step != ANSWER_BAD) {
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n <= 0)
			return false;
		answer_feed(&a, bytes, (size_t)n);
	}
	return a.step == ANSWER_WHOLE && a.status == 200;
}

static int
fail(const char *why, uint64_t i)
{
	printf("{\"error\":\"%s\",\"call\":%lu}\n", why, i);
	return 1;
}

int
ping_run(const struct target *t, const struct wish *w)
{
	struct spread spread = { 0 };
	int fd = target_connect(t, true);
	int64_t start_us;
	uint64_t i;

	if (fd < 0)
		return fail("cannot connect", 0);
	for (i = 0; i < w->warmup + w->count; i++) {
		start_us = load_now_us();
		if (!call_once(fd, t)) {
			close(fd);
			return fail("a call failed", i);
		}
		if (i >= w->warmup)
			spread_add(&spread, load_now_us() - start_us);
	}
	close(fd);
	printf("{\"count\":%lu,\"p50_us\":%ld,\"p90_us\":%ld,\"p99_us\":%ld}\n",
	    spread.count, spread_at(&spread, 0.5), spread_at(&spread, 0.9),
	    spread_at(&spread, 0.99));
	return 0;
}
