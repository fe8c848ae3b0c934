/* Frames about streams from a peer that breaks the rules. */
#include "common/net/arrival.h"
#include "tests/unit/net/pair.h"

static char bytes[STREAM_QUEUE_MAX];

/* The pair up, and the n-th question with the parent. */
static struct flow *
asked(struct pair *p, size_t body, bool end)
{
	struct flow *f = pair_ask(p, "envelope", body, end);

	assert_non_null(f);
	pair_run(p);
	return f;
}

static struct flow *
last_of(struct party *y)
{
	return &y->flows[y->flow_count - 1];
}

static struct frame
data(int64_t stream, size_t len)
{
	struct frame f = { .type = FRAME_DATA };

	f.as.data.stream = stream;
	f.as.data.bytes = slice_make(bytes, len);
	return f;
}

static struct frame
credit(int64_t stream, int64_t n)
{
	struct frame f = { .type = FRAME_CREDIT };

	f.as.credit.stream = stream;
	f.as.credit.bytes = n;
	return f;
}

static struct frame
plain(enum frame_type type, int64_t stream)
{
	struct frame f = { .type = type };

	f.as.end.stream = stream;
	return f;
}

/* An OPEN with the seal of nobody. */
static struct frame
open_frame(int64_t stream, struct slice path)
{
	static const char zeros[64];
	struct frame f = { .type = FRAME_OPEN };
	struct frame_open *open = &f.as.open;

	open->stream = stream;
	open->envelope = slice_of("envelope");
	open->root = slice_make(zeros, HASH_BYTES);
	open->signature = slice_make(zeros, SIGNATURE_BYTES);
	open->count = 1;
	open->path = path;
	open->credit = STREAM_SMALL;
	return f;
}

static const char path_good[] = "\x91\xa6node-a";

static void
bytes_beyond_credit_end_the_session(void **state)
{
	struct frame f = data(1, FRAME_DATA_MAX), one = data(1, 1);
	struct pair *p = pair_up();
	int i;

	(void)state;
	p->parent.hold = true;
	asked(p, 0, false);
	for (i = 0; i < 4; i++)
		pair_forge(p, &p->child, &f, 1);
	assert_int_equal(last_of(&p->parent)->got.len, STREAM_CREDIT);
	pair_forge(p, &p->child, &one, 1);
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	assert_int_equal(last_of(&p->parent)->got.len, STREAM_CREDIT);
	pair_free(p);

	/* The same with the link's: the parent's CREDIT is not waited for. */
	p = pair_up();
	asked(p, 0, false);
	p->parent.s->recv_credit = 20000;
	pair_forge(p, &p->child, &f, 1);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	pair_forge(p, &p->child, &f, 1);
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	pair_free(p);
}

static void
refused_at_once(struct frame f)
{
	struct pair *p = pair_up();
	size_t before;

	asked(p, 0, false);
	asked(p, 0, true);
	stream_end(p->parent.flows[1].stream, slice_of(""));
	pair_run(p); /* stream 1 is open, 2 is over, 3 was never */
	before = p->parent.effects;
	pair_forge(p, &p->child, &f, 1);
	assert_refused(&p->parent, before);
	pair_free(p);
}

static void
frames_that_do_not_fit_end_the_session(void **state)
{
	struct slice path = slice_of(path_good);
	struct frame f;

	(void)state;
	refused_at_once(data(2, 1));
	refused_at_once(data(3, 1));
	refused_at_once(plain(FRAME_END, 2));
	refused_at_once(plain(FRAME_END, 3));
	refused_at_once(plain(FRAME_CANCEL, 3));
	refused_at_once(credit(3, 1));
	refused_at_once(credit(1, 1)); /* more than it began with */
	refused_at_once(credit(0, 0x7fffffff));
	refused_at_once(open_frame(2, path)); /* numbers grow */
	refused_at_once(open_frame(1, path));
	f = open_frame(3, path);
	f.as.open.credit = 20000;
	refused_at_once(f);
	f = open_frame(3, path);
	f.as.open.proof = slice_make(bytes, 33);
	refused_at_once(f);
}

static void
late_frames_are_let_pass(void **state)
{
	struct frame late[2] = { plain(FRAME_CANCEL, 1), credit(1, 1) };
	struct pair *p = pair_up();

	(void)state;
	asked(p, 0, true);
	stream_end(p->parent.flows[0].stream, slice_of(""));
	pair_run(p);
	pair_forge(p, &p->child, late, 2);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	pair_free(p);
}

static void
data_after_end_ends_the_session(void **state)
{
	struct frame f = data(1, 1);
	struct pair *p = pair_up();

	(void)state;
	asked(p, 10, true);
	pair_forge(p, &p->child, &f, 1);
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	pair_free(p);
}

static void
a_wide_stream_beyond_256_ends_the_session(void **state)
{
	struct pair *p = pair_up();
	struct frame f;
	int i;

	(void)state;
	for (i = 1; i <= 257; i++) {
		f = open_frame(i, slice_of(path_good));
		f.as.open.credit = i <= 256 ? STREAM_CREDIT : STREAM_SMALL;
		p->parent.s->config.events.on_open = NULL;
		f.as.open.path = slice_of("\x91\xa6node-b"); /* is refused */
		pair_forge(p, &p->child, &f, 1);
		assert_int_equal(p->parent.s->state, SESSION_UP);
	}
	f.as.open.stream = 258;
	f.as.open.credit = STREAM_CREDIT;
	pair_forge(p, &p->child, &f, 1);
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	pair_free(p);
}

static void
more_streams_than_allowed_end_the_session(void **state)
{
	struct pair *p = pair_up();
	struct frame f = open_frame(0, slice_of("\x91\xa6node-b"));
	int i;

	(void)state;
	for (i = 0; i < SESSION_STREAMS; i++) {
		f.as.open.stream++;
		pair_forge(p, &p->child, &f, 1);
	}
	assert_int_equal(p->parent.s->state, SESSION_UP);
	assert_int_equal(p->parent.s->slots, SESSION_STREAMS);
	f.as.open.stream++;
	pair_forge(p, &p->child, &f, 1);
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	assert_int_equal(p->parent.s->slots, SESSION_STREAMS);
	pair_free(p);
}

static void
a_path_is_checked(void **state)
{
	static const char nine[] = "\x99\xa1"
				   "a\xa1"
				   "b\xa1"
				   "c\xa1"
				   "d\xa1"
				   "e\xa1"
				   "f\xa1"
				   "g\xa1"
				   "h\xa6node-a";
	const char *bad[] = { nine, "\x92\xa6node-a\xa6node-b",
		"\x92\xa8"
		"egress-1\xa6node-a" };
	struct pair *p = pair_up();
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		struct frame f = open_frame((int64_t)i + 1, slice_of(bad[i]));
		size_t before = p->parent.effects;

		pair_forge(p, &p->child, &f, 1);
		assert_int_equal(p->parent.effects, before);
		/* Its THROTTLED names a stream that this child never opened. */
		assert_true(p->parent.s->control.len > 0);
		assert_int_equal(p->parent.s->state, SESSION_UP);
	}
	pair_free(p);
}

/* OPEN and CANCEL as fast as they go: slots are bounded, then GOAWAY. */
static void
a_flood_of_cancels_is_sent_away(void **state)
{
	struct pair *p = pair_up();
	int i;

	(void)state;
	for (i = 0; i < 3000 && p->child.s->goaway_got == 0; i++) {
		struct flow *f = pair_ask(p, "envelope", 0, true);

		if (f == NULL)
			break;
		pair_run(p);
		stream_cancel(f->stream);
		pair_run(p);
		assert_int_equal(p->parent.s->slots, 0);
		buf_fini(&f->got);
		p->child.flow_count = p->parent.flow_count = 0;
	}
	assert_int_equal(i, 2 * SESSION_STREAMS + 1);
	assert_int_equal(p->parent.s->goaway_sent, 2);
	assert_true(session_drained(p->parent.s));
	pair_free(p);

	/* At a bearable rate it goes on. */
	p = pair_up();
	for (i = 0; i < 3000; i++) {
		struct flow *f = pair_ask(p, "envelope", 0, true);

		pair_run(p);
		stream_cancel(f->stream);
		pair_run(p);
		p->now_us += US_PER_MS;
		buf_fini(&f->got);
		p->child.flow_count = p->parent.flow_count = 0;
	}
	assert_int_equal(p->parent.s->goaway_sent, 0);
	pair_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_beyond_credit_end_the_session),
		cmocka_unit_test(frames_that_do_not_fit_end_the_session),
		cmocka_unit_test(late_frames_are_let_pass),
		cmocka_unit_test(data_after_end_ends_the_session),
		cmocka_unit_test(a_wide_stream_beyond_256_ends_the_session),
		cmocka_unit_test(more_streams_than_allowed_end_the_session),
		cmocka_unit_test(a_path_is_checked),
		cmocka_unit_test(a_flood_of_cancels_is_sent_away),
	};

	if (!crypto_start())
		return 1;
	log_threshold(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
