#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "common/net/loop.h"
#include "common/net/wire.h"

/* The library of these tests is told once, and then has enough. */
struct scene {
	struct loop *loop;
	struct wires *wires;
	int fd, what;
};

static void
on_ready(void *arg, int fd, int what)
{
	struct scene *s = arg;

	s->fd = fd;
	s->what = what;
	wires_want(s->wires, fd, 0);
	loop_stop(s->loop);
}

static int
setup(void **state)
{
	struct scene *s = test_calloc(1, sizeof(*s));

	s->loop = loop_new("test");
	s->wires = wires_new(s->loop, on_ready, s);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	wires_free(s->wires);
	loop_free(s->loop);
	test_free(s);
	return 0;
}

/* A datagram socket can be written to at once. */
static int
opened(struct scene *s)
{
	int fd = wires_open(s->wires, AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	return fd;
}

static void
ready(struct scene *s, int fd, int what)
{
	loop_run(s->loop);
	assert_int_equal(s->fd, fd);
	assert_int_equal(s->what, what);
}

static void
tells_what_is_wanted(void **state)
{
	struct scene *s = *state;
	int fd = opened(s);

	wires_want(s->wires, fd, LOOP_WRITE);
	ready(s, fd, LOOP_WRITE);
	wires_close(s->wires, fd);
}

static void
a_number_may_come_back_untold(void **state)
{
	struct scene *s = *state;
	int fd = opened(s);

	wires_want(s->wires, fd, LOOP_WRITE);
	close(fd);
	assert_int_equal(opened(s), fd);
	/* The library thinks that it said what it wants. */
	ready(s, fd, LOOP_WRITE);
	wires_close(s->wires, fd);
}

static void
a_number_may_become_another_sort(void **state)
{
	struct scene *s = *state;
	int fd = opened(s), pair[2];

	wires_want(s->wires, fd, LOOP_WRITE);
	wires_want(s->wires, fd, 0);
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pair[0], fd);
	assert_int_equal(write(pair[1], "x", 1), 1);
	wires_want(s->wires, fd, LOOP_READ);
	ready(s, fd, LOOP_READ);
	close(pair[0]);
	close(pair[1]);
}

static void
may_be_closed_and_then_unwanted(void **state)
{
	struct scene *s = *state;
	int fd = opened(s);

	wires_want(s->wires, fd, LOOP_READ);
	wires_close(s->wires, fd);
	wires_want(s->wires, fd, 0);
	assert_int_equal(opened(s), fd);
	wires_want(s->wires, fd, LOOP_WRITE);
	ready(s, fd, LOOP_WRITE);
	wires_close(s->wires, fd);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(tells_what_is_wanted),
		SCENE_TEST(a_number_may_come_back_untold),
		SCENE_TEST(a_number_may_become_another_sort),
		SCENE_TEST(may_be_closed_and_then_unwanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
