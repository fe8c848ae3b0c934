/* Two ends of a socket pair shake hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/net/link.h"
#include "common/net/tls.h"

struct end {
	struct secret *identity;
	struct tls_boot *boot;
	struct tls *tls;
	int fd;
	bool refuses;
	int asked;
	struct public_key seen;
	char name[LINK_NAME_MAX + 1];
};

static struct end ends[2]; /* the dialler first */

static bool
check(void *arg, struct slice name, const struct public_key *key)
{
	struct end *e = arg;

	e->asked++;
	e->seen = *key;
	memcpy(e->name, name.ptr, name.len);
	e->name[name.len] = '\0';
	return !e->refuses;
}

static void
open_end(struct end *e, const char *name, int fd, bool accept)
{
	struct tls_check c = { check, e };

	memset(e, 0, sizeof(*e));
	e->identity = sign_key_new();
	e->boot = tls_boot_new(e->identity, name);
	assert_non_null(e->boot);
	e->fd = fd;
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	e->tls = tls_new(e->boot, fd, accept, &c);
}

static int
set_up(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	open_end(&ends[0], "node-a", fds[0], false);
	open_end(&ends[1], "egress-1", fds[1], true);
	return 0;
}

static int
tear_down(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		tls_free(ends[i].tls);
		tls_boot_free(ends[i].boot);
		secret_free(ends[i].identity);
		close(ends[i].fd);
	}
	return 0;
}

/* Both ends in turn, until neither wants more; what the last steps gave. */
static void
shake_hands(enum tls_result result[2])
{
	int round;

	result[0] = result[1] = TLS_WANT_READ;
	for (round = 0; round < 20; round++) {
		int i = round & 1;

		if (result[i] == TLS_WANT_READ)
			result[i] = tls_handshake(ends[i].tls);
	}
}

static void
each_learns_who_the_other_is(void **state)
{
	enum tls_result result[2];
	struct public_key key;
	uint8_t secret[2][KEY_BYTES];
	int i;

	(void)state;
	shake_hands(result);
	assert_int_equal(result[0], TLS_OK);
	assert_int_equal(result[1], TLS_OK);
	assert_string_equal(ends[0].name, "egress-1");
	assert_string_equal(ends[1].name, "node-a");
	for (i = 0; i < 2; i++) {
		key = sign_public(ends[!i].identity);
		assert_memory_equal(&ends[i].seen, &key, sizeof(key));
		assert_int_equal(ends[i].asked, 1);
		assert_true(tls_export(ends[i].tls, secret[i]));
	}
	assert_memory_equal(secret[0], secret[1], KEY_BYTES);
}

static void
bytes_go_both_ways(void **state)
{
	static char sent[100000], got[100000];
	enum tls_result result[2];
	size_t out = 0, in = 0, n;

	(void)state;
	crypto_random(sent, sizeof(sent));
	shake_hands(result);
	while (in < sizeof(sent)) {
		if (out < sizeof(sent) &&
		    tls_write(ends[0].tls,
			slice_make(sent + out, sizeof(sent) - out),
			&n) == TLS_OK)
			out += n;
		if (tls_read(ends[1].tls, got + in, sizeof(got) - in, &n) ==
		    TLS_OK)
			in += n;
	}
	assert_memory_equal(sent, got, sizeof(sent));
	assert_int_equal(tls_read(ends[1].tls, got, 1, &n), TLS_WANT_READ);
	assert_false(tls_pending(ends[1].tls));
	tls_goodbye(ends[0].tls);
	assert_int_equal(tls_read(ends[1].tls, got, 1, &n), TLS_CLOSED);
}

/* An end of file without a goodbye is a fault. */
static void
a_cut_is_told_from_a_goodbye(void **state)
{
	enum tls_result result[2];
	char byte;
	size_t n;

	(void)state;
	shake_hands(result);
	assert_int_equal(shutdown(ends[0].fd, SHUT_RDWR), 0);
	assert_int_equal(tls_read(ends[1].tls, &byte, 1, &n), TLS_FAILED);
	assert_false(tls_stranger(ends[1].tls));
}

static void
a_refused_child_is_a_stranger(void **state)
{
	enum tls_result result[2];
	char byte;
	size_t n;

	(void)state;
	ends[1].refuses = true;
	shake_hands(result);
	assert_int_equal(result[1], TLS_FAILED);
	assert_true(tls_stranger(ends[1].tls));
	assert_string_equal(tls_why(ends[1].tls),
	    "not allowed by the topology");
	/* The child thought that it was in; its first read tells. */
	assert_int_equal(tls_read(ends[0].tls, &byte, 1, &n), TLS_FAILED);
	assert_false(tls_stranger(ends[0].tls));
}

static void
a_refused_parent_is_a_stranger(void **state)
{
	enum tls_result result[2];

	(void)state;
	ends[0].refuses = true;
	shake_hands(result);
	assert_int_equal(result[0], TLS_FAILED);
	assert_int_equal(result[1], TLS_FAILED);
	assert_true(tls_stranger(ends[0].tls));
	/* It never came to show its own certificate. */
	assert_int_equal(ends[1].asked, 0);
}

static void
every_connection_has_its_own_secret(void **state)
{
	uint8_t first[KEY_BYTES], second[KEY_BYTES];
	enum tls_result result[2];
	struct tls_check c[2] = { { check, &ends[0] }, { check, &ends[1] } };
	int fds[2], i;

	(void)state;
	shake_hands(result);
	assert_true(tls_export(ends[0].tls, first));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (i = 0; i < 2; i++) {
		tls_free(ends[i].tls);
		close(ends[i].fd);
		ends[i].fd = fds[i];
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
		ends[i].tls = tls_new(ends[i].boot, fds[i], i == 1, &c[i]);
	}
	shake_hands(result);
	assert_int_equal(result[0], TLS_OK);
	assert_true(tls_export(ends[0].tls, second));
	assert_memory_not_equal(first, second, KEY_BYTES);
}

/* One bit of what the dialler sends, at every place of the handshake. */
static void
a_flipped_bit_breaks_the_handshake(void **state)
{
	enum tls_result result;
	uint8_t bytes[8192];
	int at, fds[2];
	ssize_t n;

	(void)state;
	/* The pair is cut open: the parent's end is fed by hand. */
	assert_int_equal(tls_handshake(ends[0].tls), TLS_WANT_READ);
	n = recv(ends[1].fd, bytes, sizeof(bytes), 0);
	assert_true(n > 100);
	for (at = 0; at < n; at += 7) {
		struct tls_check c = { check, &ends[1] };
		struct tls *parent;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		fcntl(fds[1], F_SETFL, O_NONBLOCK);
		parent = tls_new(ends[1].boot, fds[1], true, &c);
		bytes[at] ^= 0x10;
		assert_int_equal(write(fds[0], bytes, (size_t)n), n);
		bytes[at] ^= 0x10;
		result = tls_handshake(parent);
		assert_int_not_equal(result, TLS_OK);
		tls_free(parent);
		close(fds[0]);
		close(fds[1]);
	}
	assert_int_equal(ends[1].asked, 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_learns_who_the_other_is),
		TEST(bytes_go_both_ways),
		TEST(a_cut_is_told_from_a_goodbye),
		TEST(a_refused_child_is_a_stranger),
		TEST(a_refused_parent_is_a_stranger),
		TEST(every_connection_has_its_own_secret),
		TEST(a_flipped_bit_breaks_the_handshake),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!crypto_start())
		return 1;
	log_threshold(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
