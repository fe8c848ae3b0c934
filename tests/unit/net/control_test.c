#include "tests/unit/net/served.h"

#include <stdio.h>
#include <sys/stat.h>

#include "common/net/control.h"

/* A state directory of its own, with a daemon's socket in it or not. */
struct state_dir {
	char dir[64];
	char path[108];
};

static void
make_dir(struct state_dir *s)
{
	snprintf(s->dir, sizeof(s->dir), "/tmp/control_test.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	control_path(s->path, s->dir);
}

static void
remove_dir(struct state_dir *s)
{
	unlink(s->path);
	rmdir(s->dir);
}

static void
test_a_long_directory_has_no_path(void **state)
{
	char dir[200], path[108];

	(void)state;
	memset(dir, 'd', sizeof(dir) - 1);
	dir[sizeof(dir) - 1] = '\0';
	control_path(path, dir);
	assert_string_equal(path, "");
	control_path(path, "/var/lib/gsr");
	assert_string_equal(path, "/var/lib/gsr/control.sock");
}

static void
test_without_a_daemon(void **state)
{
	struct state_dir s;
	struct buf answer;
	const char *why;
	int status, fd;

	(void)state;
	make_dir(&s);
	buf_init(&answer, 1 << 20);
	assert_int_equal(control_call(s.dir, "GET", "/", slice_of(""), &status,
			     &answer),
	    CONTROL_NO_DAEMON);
	/* One that died left its socket. */
	fd = listen_unix(s.path, &why);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(control_call(s.dir, "GET", "/", slice_of(""), &status,
			     &answer),
	    CONTROL_NO_DAEMON);
	assert_int_equal(answer.len, 0);
	remove_dir(&s);
}

static void
test_asks_a_daemon(void **state)
{
	struct state_dir s;
	struct served w;
	struct buf answer;
	const char *why;
	int status = 0;

	(void)state;
	make_dir(&s);
	served_start_on(&w, listen_unix(s.path, &why), 10000);
	buf_init(&answer, 1 << 20);
	assert_int_equal(control_call(s.dir, "POST", "/echo?q=1",
			     slice_of("the body"), &status, &answer),
	    CONTROL_OK);
	assert_int_equal(status, 200);
	assert_string_equal(buf_text(&answer), "2|/echo|1||the body");
	buf_reset(&answer);
	assert_int_equal(control_call(s.dir, "GET", "/early", slice_of(""),
			     &status, &answer),
	    CONTROL_OK);
	assert_int_equal(status, 401);
	assert_string_equal(buf_text(&answer), "early");
	buf_reset(&answer);
	assert_int_equal(control_call(s.dir, "GET", "/stream?bytes=700000",
			     slice_of(""), &status, &answer),
	    CONTROL_OK);
	assert_int_equal(answer.len, 700000);
	buf_fini(&answer);
	served_stop(&w);
	remove_dir(&s);
}

static void
test_half_an_answer_is_none(void **state)
{
	struct state_dir s;
	struct served w;
	struct buf answer, small;
	const char *why;
	int status;

	(void)state;
	make_dir(&s);
	served_start_on(&w, listen_unix(s.path, &why), 10000);
	log_threshold(LOG_ERROR + 1);
	buf_init(&answer, 1 << 20);
	assert_int_equal(control_call(s.dir, "GET", "/cut", slice_of(""),
			     &status, &answer),
	    CONTROL_BROKEN);
	/* More than the caller can hold. */
	buf_init(&small, 100);
	assert_int_equal(control_call(s.dir, "GET", "/stream?bytes=5000",
			     slice_of(""), &status, &small),
	    CONTROL_BROKEN);
	buf_fini(&small);
	buf_fini(&answer);
	served_stop(&w);
	remove_dir(&s);
}

static void
test_the_socket_is_private_and_not_taken_twice(void **state)
{
	struct state_dir s;
	struct stat found;
	const char *why = "";
	FILE *f;
	int fd;

	(void)state;
	make_dir(&s);
	fd = listen_unix(s.path, &why);
	assert_true(fd >= 0);
	assert_int_equal(stat(s.path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0600);
	assert_int_equal(listen_unix(s.path, &why), -1);
	assert_string_equal(why, "another process listens there");
	close(fd);
	/* A dead one is replaced, a file is not. */
	fd = listen_unix(s.path, &why);
	assert_true(fd >= 0);
	close(fd);
	unlink(s.path);
	f = fopen(s.path, "we");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(listen_unix(s.path, &why), -1);
	assert_int_equal(stat(s.path, &found), 0);
	remove_dir(&s);
}

static void
test_addresses(void **state)
{
	static const char *const bad[] = { "", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:x", "127.0.0.1:123456",
		"127.0.0.1:70000", "127.0.0.1:-1", "192.0.2.1:0", "no host:0" };
	const char *why;
	size_t i;
	int one, two;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		why = "";
		assert_int_equal(listen_tcp(slice_of(bad[i]), false, &why), -1);
		assert_true(why[0] != '\0');
	}
	one = listen_tcp(slice_of("127.0.0.1:0"), true, &why);
	assert_true(one >= 0);
	{
		char same[32];

		snprintf(same, sizeof(same), "127.0.0.1:%u", listen_port(one));
		two = listen_tcp(slice_of(same), true, &why);
		assert_true(two >= 0);
		close(two);
		assert_int_equal(listen_tcp(slice_of(same), false, &why), -1);
		assert_string_equal(why, "the address is in use");
	}
	close(one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_long_directory_has_no_path),
		cmocka_unit_test(test_without_a_daemon),
		cmocka_unit_test(test_asks_a_daemon),
		cmocka_unit_test(test_half_an_answer_is_none),
		cmocka_unit_test(
		    test_the_socket_is_private_and_not_taken_twice),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
