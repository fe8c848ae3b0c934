#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/format/sse.h"

/* Events written down one after another: raw|name|data; each. */
static struct buf seen;

static void
note(void *arg, const struct sse_event *event)
{
	(void)arg;
	buf_put_slice(&seen, event->raw);
	buf_putc(&seen, '|');
	buf_put_slice(&seen, event->name);
	buf_putc(&seen, '|');
	buf_put_slice(&seen, event->data);
	buf_putc(&seen, ';');
}

/* Feeds the text in pieces of that many bytes; what is left goes to `rest`. */
static struct slice
feed(struct slice text, size_t piece, struct buf *rest)
{
	struct sse s;
	size_t at;

	buf_reset(&seen);
	buf_reset(rest);
	sse_init(&s, 4096);
	for (at = 0; at < text.len; at += piece)
		assert_true(sse_feed(&s,
		    slice_make(text.ptr + at, min_size(piece, text.len - at)),
		    note, NULL));
	buf_put_slice(rest, sse_rest(&s));
	sse_fini(&s);
	return buf_slice(&seen);
}

static const struct {
	const char *text, *events, *rest;
} cases[] = {
	{ "data: a\n\n", "data: a\n\n||a;", "" },
	{ "data:a\n\ndata:  b\n\n", "data:a\n\n||a;data:  b\n\n|| b;", "" },
	{ "data: a\r\n\r\ndata: b\r\n\r\n",
	    "data: a\r\n\r\n||a;data: b\r\n\r\n||b;", "" },
	/* A stream of bare CRs needs no byte more to end an event. */
	{ "data: a\r\rdata: b\r\r", "data: a\r\r||a;data: b\r\r||b;", "" },
	{ "event: ping\ndata: {}\n\n", "event: ping\ndata: {}\n\n|ping|{};",
	    "" },
	{ "data: a\ndata: b\ndata:\ndata\n\n",
	    "data: a\ndata: b\ndata:\ndata\n\n||a\nb\n\n;", "" },
	{ "data:\ndata: b\n\n", "data:\ndata: b\n\n||\nb;", "" },
	{ ": comment\n\n", ": comment\n\n||;", "" },
	{ "id: 7\nretry: 3\nfoo\ndatabase: x\n\n",
	    "id: 7\nretry: 3\nfoo\ndatabase: x\n\n||;", "" },
	/* Blank lines by themselves keep a connection alive. */
	{ "\n\ndata: a\n\n", "\n||;\n||;data: a\n\n||a;", "" },
	{ "\r\n\r\ndata: a\n\n", "\r\n||;\r\n||;data: a\n\n||a;", "" },
	{ "data: a\n", "", "data: a\n" },
	{ "data: a\n\ndata: b", "data: a\n\n||a;", "data: b" },
	{ "data: a\r\n\r", "", "data: a\r\n\r" },
	{ "data: a\n\r\ndata: b\r\n\n", "data: a\n\r\n||a;data: b\r\n\n||b;",
	    "" },
	{ "data: a\r\r\n\n", "data: a\r\r||a;\n||;\n||;", "" },
	{ "\xef\xbb\xbf"
	  "data: a\n\n\xef\xbb\xbf"
	  "data: b\n\n",
	    "\xef\xbb\xbf"
	    "data: a\n\n||a;\xef\xbb\xbf"
	    "data: b\n\n||;",
	    "" },
	{ "data: a:b: c\nevent: x\nevent: y\n\n",
	    "data: a:b: c\nevent: x\nevent: y\n\n|y|a:b: c;", "" },
};

static void
events_are_the_same_however_they_are_cut(void **state)
{
	struct slice got, text;
	struct buf rest;
	size_t i, piece;

	(void)state;
	buf_init(&rest, 4096);
	for (i = 0; i < count_of(cases); i++) {
		text = slice_of(cases[i].text);
		for (piece = 1; piece <= text.len; piece++) {
			got = feed(text, piece, &rest);
			if (!slice_is(got, cases[i].events))
				fail_msg("case %zu by %zu gives %.*s", i, piece,
				    SLICE_FMT(got));
			assert_true(slice_is(buf_slice(&rest), cases[i].rest));
		}
	}
	buf_fini(&rest);
}

static void
an_event_may_fill_the_maximum_and_no_more(void **state)
{
	struct slice text = slice_of("data: 4567\n\n");
	struct sse s;
	size_t piece, at;
	bool good;

	(void)state;
	for (piece = 1; piece <= 2 * text.len; piece++) {
		buf_reset(&seen);
		sse_init(&s, text.len);
		assert_true(sse_feed(&s, text, note, NULL));
		assert_true(sse_feed(&s, text, note, NULL));
		sse_fini(&s);
		assert_true(slice_is(buf_slice(&seen),
		    "data: 4567\n\n||4567;data: 4567\n\n||4567;"));
		buf_reset(&seen);
		sse_init(&s, text.len - 1);
		good = true;
		for (at = 0; at < text.len; at += piece)
			good = sse_feed(&s,
			    slice_make(text.ptr + at,
				min_size(piece, text.len - at)),
			    note, NULL);
		assert_false(good);
		assert_int_equal(seen.len, 0);
		assert_false(sse_feed(&s, slice_of("data: a\n\n"), note, NULL));
		assert_int_equal(seen.len, 0);
		sse_fini(&s);
	}
}

static void
what_is_written_is_one_event(void **state)
{
	static const struct {
		const char *name, *data, *read;
	} writes[] = {
		{ "", "{}", "||{};" },
		{ "ping", "{}", "|ping|{};" },
		{ "", "", "||;" },
		{ "", "a\nb\rc\r\nd", "||a\nb\nc\nd;" },
		{ "", "a\n\ndata: x\n\n", "||a\n\ndata: x\n\n;" },
		{ "x\ny\rdata: z", "a", "|xydata: z|a;" },
	};
	struct buf out, rest;
	struct slice got;
	size_t i;

	(void)state;
	buf_init(&out, 4096);
	buf_init(&rest, 4096);
	for (i = 0; i < count_of(writes); i++) {
		buf_reset(&out);
		sse_write(&out, slice_of(writes[i].name),
		    slice_of(writes[i].data));
		got = feed(buf_slice(&out), out.len, &rest);
		assert_int_equal(rest.len, 0);
		assert_true(got.len > out.len);
		assert_memory_equal(got.ptr, out.data, out.len);
		assert_true(
		    slice_is(slice_after(got, out.len), writes[i].read));
	}
	buf_reset(&out);
	sse_write(&out, slice_make("a\0b", 3), slice_of("x"));
	assert_true(slice_is(buf_slice(&out), "event: ab\ndata: x\n\n"));
	buf_fini(&out);
	buf_fini(&rest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_the_same_however_they_are_cut),
		cmocka_unit_test(an_event_may_fill_the_maximum_and_no_more),
		cmocka_unit_test(what_is_written_is_one_event),
	};
	int failed;

	buf_init(&seen, 1 << 16);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_fini(&seen);
	return failed;
}
