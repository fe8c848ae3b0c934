#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/loop.h"

/* What happened, a letter each. */
struct diary {
	struct loop *loop;
	char text[64];
	size_t len;
	struct loop_task a, b, rest;
	struct loop_timer *timer;
	struct loop_watch *watch, *other;
	int ours, theirs;
	int count;
	int64_t now_us;
	uint64_t turn;
};

static void
note(struct diary *d, char c)
{
	assert_true(d->len < sizeof(d->text) - 1);
	d->text[d->len++] = c;
}

static void
on_run(void *arg)
{
	note(arg, 'R');
}

static void
on_flush(void *arg)
{
	note(arg, 'F');
}

static void
on_commit(void *arg)
{
	note(arg, 'C');
}

static void
on_release(void *arg)
{
	note(arg, 'L');
}

static void
on_rest(void *arg)
{
	note(arg, 'E');
}

static void
note_all_phases(struct diary *d)
{
	loop_each_turn(d->loop, LOOP_REST, on_rest, d);
	loop_each_turn(d->loop, LOOP_RELEASE, on_release, d);
	loop_each_turn(d->loop, LOOP_COMMIT, on_commit, d);
	loop_each_turn(d->loop, LOOP_FLUSH, on_flush, d);
	loop_each_turn(d->loop, LOOP_RUN, on_run, d);
}

static void
on_a(void *arg)
{
	struct diary *d = arg;

	note(d, 'a');
	loop_stop(d->loop);
}

static void
on_b(void *arg)
{
	note(arg, 'b');
}

static void
on_rest_task(void *arg)
{
	note(arg, 'r');
}

static void
start(struct diary *d)
{
	memset(d, 0, sizeof(*d));
	d->loop = loop_new("test");
	loop_task_init(&d->a, on_a, d);
	loop_task_init(&d->b, on_b, d);
	loop_task_init(&d->rest, on_rest_task, d);
}

static void
start_pair(struct diary *d)
{
	int fds[2];

	start(d);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds),
	    0);
	d->ours = fds[0];
	d->theirs = fds[1];
}

static void
finish_pair(struct diary *d)
{
	loop_watch_free(d->watch);
	close(d->ours);
	if (d->theirs >= 0)
		close(d->theirs);
	loop_free(d->loop);
}

static void
test_phases_come_in_order(void **state)
{
	struct diary d;

	(void)state;
	start(&d);
	note_all_phases(&d);
	loop_soon(d.loop, &d.a);
	loop_rest(d.loop, &d.rest);
	loop_run(d.loop);
	/* One turn, then the phases once more at the end. */
	assert_string_equal(d.text, "aRFCLErRFCLE");
	loop_free(d.loop);
}

static void
test_a_task_is_queued_once_and_can_be_cancelled(void **state)
{
	struct diary d;

	(void)state;
	start(&d);
	loop_soon(d.loop, &d.b);
	loop_soon(d.loop, &d.b);
	loop_soon(d.loop, &d.a);
	loop_rest(d.loop, &d.rest);
	loop_task_cancel(&d.rest);
	loop_task_cancel(&d.rest);
	loop_run(d.loop);
	assert_string_equal(d.text, "ba");
	loop_free(d.loop);
}

static void
queue_a(void *arg)
{
	struct diary *d = arg;

	if (d->count++ == 0)
		loop_soon(d->loop, &d->a);
}

/* Queued after RUN: the next turn comes without an event. */
static void
test_work_left_over_keeps_the_loop_awake(void **state)
{
	struct diary d;

	(void)state;
	start(&d);
	loop_each_turn(d.loop, LOOP_RUN, on_run, &d);
	loop_each_turn(d.loop, LOOP_RELEASE, queue_a, &d);
	loop_again(d.loop);
	loop_run(d.loop);
	assert_string_equal(d.text, "RaRR");
	loop_free(d.loop);
}

static void
stop_after_three(void *arg)
{
	struct diary *d = arg;

	if (++d->count == 3)
		loop_stop(d->loop);
	else
		loop_again(d->loop);
}

static void
test_again_runs_another_turn(void **state)
{
	struct diary d;

	(void)state;
	start(&d);
	loop_each_turn(d.loop, LOOP_FLUSH, stop_after_three, &d);
	loop_again(d.loop);
	loop_run(d.loop);
	assert_int_equal(d.count, 4);
	assert_int_equal(loop_turns(d.loop), 3);
	loop_free(d.loop);
}

static void
leave_release(void *arg)
{
	struct diary *d = arg;

	note(d, 'x');
	loop_each_turn_stop(d->loop, LOOP_RELEASE, leave_release, d);
	loop_stop(d->loop);
}

static void
test_a_phase_call_may_leave(void **state)
{
	struct diary d;

	(void)state;
	start(&d);
	loop_each_turn(d.loop, LOOP_RELEASE, leave_release, &d);
	loop_each_turn(d.loop, LOOP_RELEASE, on_release, &d);
	loop_again(d.loop);
	loop_run(d.loop);
	assert_string_equal(d.text, "xLL");
	loop_free(d.loop);
}

static void
rest_again(void *arg)
{
	struct diary *d = arg;

	note(d, 'q');
	if (d->count++ == 0)
		loop_rest(d->loop, &d->rest);
}

static void
test_what_dies_while_resting_rests_too(void **state)
{
	struct diary d;

	(void)state;
	start(&d);
	loop_task_init(&d.rest, rest_again, &d);
	loop_rest(d.loop, &d.rest);
	loop_soon(d.loop, &d.a);
	loop_run(d.loop);
	assert_string_equal(d.text, "aqq");
	/* After the last turn, loop_free sees to it. */
	d.count = 1;
	loop_rest(d.loop, &d.rest);
	loop_free(d.loop);
	assert_string_equal(d.text, "aqqq");
}

static void
on_post(void *arg)
{
	struct diary *d = arg;

	if (++d->count == 1000)
		loop_stop(d->loop);
}

static void *
post_many(void *arg)
{
	struct diary *d = arg;
	int i;

	for (i = 0; i < 500; i++) {
		while (!loop_post(d->loop, on_post, d))
			sched_yield();
	}
	return NULL;
}

static void
test_posts_from_threads_are_called_once_each(void **state)
{
	struct diary d;
	pthread_t one, two;

	(void)state;
	start(&d);
	assert_int_equal(pthread_create(&one, NULL, post_many, &d), 0);
	assert_int_equal(pthread_create(&two, NULL, post_many, &d), 0);
	loop_run(d.loop);
	pthread_join(one, NULL);
	pthread_join(two, NULL);
	assert_int_equal(d.count, 1000);
	/* The loop has ended: nothing is taken that would not be called. */
	assert_false(loop_post(d.loop, on_post, &d));
	loop_free(d.loop);
}

static void
test_the_mailbox_is_bounded_and_emptied_at_the_end(void **state)
{
	struct diary d;
	int taken = 0;

	(void)state;
	start(&d);
	d.count = -1000000;
	while (loop_post(d.loop, on_post, &d))
		taken++;
	assert_true(taken > 1000);
	loop_stop(d.loop);
	loop_run(d.loop);
	assert_int_equal(d.count, -1000000 + taken);
	loop_free(d.loop);
}

static void
on_timer(void *arg)
{
	struct diary *d = arg;

	note(d, 't');
	d->now_us = loop_now_us(d->loop);
	if (++d->count < 3)
		loop_timer_set(d->timer, 1000);
	else
		loop_stop(d->loop);
}

static void
test_a_timer_fires_once_per_set_and_sees_the_time(void **state)
{
	struct diary d;
	int64_t begun_us;

	(void)state;
	start(&d);
	begun_us = loop_now_us(d.loop);
	d.timer = loop_timer_new(d.loop, on_timer, &d);
	loop_timer_set(d.timer, 1);
	loop_timer_set(d.timer, 20000);
	loop_run(d.loop);
	assert_string_equal(d.text, "ttt");
	/* Not the time before the sleep: 20 + 1 + 1 ms are over. */
	assert_true(d.now_us >= begun_us + 22000);
	loop_timer_set(d.timer, 0);
	loop_timer_clear(d.timer);
	loop_timer_free(d.timer);
	loop_free(d.loop);
}

static void
on_readable(void *arg, int what)
{
	struct diary *d = arg;
	char c;

	note(d, what == LOOP_READ ? 'i' : what == LOOP_WRITE ? 'o' : 'c');
	if (what == LOOP_READ && read(d->ours, &c, 1) == 1)
		note(d, c);
	if (d->len >= 8 || what == LOOP_CLOSED)
		loop_stop(d->loop);
	if (what == LOOP_WRITE)
		loop_watch_for(d->watch, LOOP_READ);
}

static void
test_a_watch_is_level_triggered_and_can_change(void **state)
{
	struct diary d;

	(void)state;
	start_pair(&d);
	d.watch = loop_watch_new(d.loop, d.ours, on_readable, &d);
	loop_watch_for(d.watch, LOOP_WRITE);
	assert_int_equal(write(d.theirs, "123", 3), 3);
	loop_watch_for(d.watch, LOOP_READ | LOOP_WRITE);
	assert_int_equal(write(d.theirs, "4", 1), 1);
	loop_run(d.loop);
	/* Both are told; then one byte a turn until all are read. */
	assert_non_null(strchr(d.text, 'o'));
	assert_null(strchr(strchr(d.text, 'o') + 1, 'o'));
	assert_non_null(strstr(d.text, "i2"));
	assert_non_null(strstr(d.text, "i3"));
	finish_pair(&d);
}

static void
on_left(void *arg, int what)
{
	struct diary *d = arg;

	assert_int_equal(what, LOOP_CLOSED);
	note(d, 'c');
	d->turn = loop_turns(d->loop);
	d->now_us = loop_now_us(d->loop);
	loop_timer_set(d->timer, 5000);
}

static void
on_end(void *arg)
{
	struct diary *d = arg;

	d->count = (int)(loop_turns(d->loop) - d->turn);
	loop_stop(d->loop);
}

/* Told once, not woken by data, and not spinning while nobody closes. */
static void
test_a_closed_peer_is_told_once(void **state)
{
	struct diary d;

	(void)state;
	start_pair(&d);
	d.timer = loop_timer_new(d.loop, on_end, &d);
	d.watch = loop_watch_new(d.loop, d.ours, on_left, &d);
	loop_watch_for(d.watch, LOOP_CLOSED);
	assert_int_equal(write(d.theirs, "data", 4), 4);
	assert_int_equal(shutdown(d.theirs, SHUT_WR), 0);
	loop_run(d.loop);
	assert_string_equal(d.text, "c");
	assert_true(d.count <= 2);
	loop_timer_free(d.timer);
	finish_pair(&d);
}

static void
test_a_peer_gone_before_the_watch_is_told(void **state)
{
	struct diary d;

	(void)state;
	start_pair(&d);
	close(d.theirs);
	d.theirs = -1;
	d.timer = loop_timer_new(d.loop, on_end, &d);
	d.watch = loop_watch_new(d.loop, d.ours, on_left, &d);
	loop_watch_for(d.watch, LOOP_CLOSED);
	loop_run(d.loop);
	assert_string_equal(d.text, "c");
	assert_true(d.count <= 2);
	loop_timer_free(d.timer);
	finish_pair(&d);
}

/* Connected TCP sockets, because only TCP resets. */
static void
start_tcp(struct diary *d)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	start(d);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len),
	    0);
	d->theirs = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(d->theirs, (struct sockaddr *)&at, len), 0);
	d->ours = accept(listener, NULL, NULL);
	assert_true(d->ours >= 0);
	setsockopt(d->theirs, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(listener);
}

static void
test_a_reset_is_told_as_closed(void **state)
{
	struct diary d;

	(void)state;
	start_tcp(&d);
	d.timer = loop_timer_new(d.loop, on_end, &d);
	d.watch = loop_watch_new(d.loop, d.ours, on_left, &d);
	loop_watch_for(d.watch, LOOP_CLOSED);
	close(d.theirs);
	d.theirs = -1;
	loop_run(d.loop);
	assert_string_equal(d.text, "c");
	assert_true(d.count <= 2);
	loop_timer_free(d.timer);
	finish_pair(&d);
}

static void
free_both(void *arg, int what)
{
	struct diary *d = arg;

	(void)what;
	note(d, 'f');
	loop_watch_free(d->watch);
	loop_watch_free(d->other);
	d->watch = d->other = NULL;
	loop_stop(d->loop);
}

/* Both left at once; the first notice frees both watches. */
static void
test_a_notice_may_free_other_watches(void **state)
{
	struct diary d;
	int fds[2];

	(void)state;
	start_pair(&d);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	d.watch = loop_watch_new(d.loop, d.ours, free_both, &d);
	d.other = loop_watch_new(d.loop, fds[0], free_both, &d);
	loop_watch_for(d.watch, LOOP_CLOSED | LOOP_READ);
	loop_watch_for(d.other, LOOP_CLOSED | LOOP_READ);
	close(fds[1]);
	close(d.theirs);
	d.theirs = -1;
	loop_run(d.loop);
	assert_string_equal(d.text, "f");
	close(fds[0]);
	finish_pair(&d);
}

static void
on_room_or_left(void *arg, int what)
{
	struct diary *d = arg;

	note(d, what == LOOP_WRITE ? 'o' : 'c');
	if (what == LOOP_CLOSED)
		loop_stop(d->loop);
	else
		loop_watch_for(d->watch, LOOP_CLOSED);
}

static void
test_write_and_closed_go_together(void **state)
{
	struct diary d;
	char block[4096] = { 0 };

	(void)state;
	start_pair(&d);
	while (write(d.ours, block, sizeof(block)) > 0)
		continue;
	d.watch = loop_watch_new(d.loop, d.ours, on_room_or_left, &d);
	loop_watch_for(d.watch, LOOP_CLOSED);
	loop_watch_for(d.watch, LOOP_CLOSED | LOOP_WRITE);
	while (read(d.theirs, block, sizeof(block)) > 0)
		continue;
	shutdown(d.theirs, SHUT_WR);
	loop_run(d.loop);
	assert_non_null(strchr(d.text, 'c'));
	assert_true(d.len <= 2);
	finish_pair(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phases_come_in_order),
		cmocka_unit_test(
		    test_a_task_is_queued_once_and_can_be_cancelled),
		cmocka_unit_test(test_work_left_over_keeps_the_loop_awake),
		cmocka_unit_test(test_again_runs_another_turn),
		cmocka_unit_test(test_a_phase_call_may_leave),
		cmocka_unit_test(test_what_dies_while_resting_rests_too),
		cmocka_unit_test(test_posts_from_threads_are_called_once_each),
		cmocka_unit_test(
		    test_the_mailbox_is_bounded_and_emptied_at_the_end),
		cmocka_unit_test(
		    test_a_timer_fires_once_per_set_and_sees_the_time),
		cmocka_unit_test(
		    test_a_watch_is_level_triggered_and_can_change),
		cmocka_unit_test(test_a_closed_peer_is_told_once),
		cmocka_unit_test(test_a_peer_gone_before_the_watch_is_told),
		cmocka_unit_test(test_a_reset_is_told_as_closed),
		cmocka_unit_test(test_a_notice_may_free_other_watches),
		cmocka_unit_test(test_write_and_closed_go_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
