#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/edge.h"
#include "common/net/http.h"

#define FIELD(n, v)                                                            \
	((struct edge_field){ { n, sizeof(n) - 1 }, { v, sizeof(v) - 1 } })

/* A good head, to be spoiled in one place. */
struct sample {
	struct edge_field fields[EDGE_FIELDS_MAX + 1];
	struct edge_head head;
	struct edge_request request;
	const char *why;
};

static void
make(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	s->fields[0] = FIELD("Host", "router.example:8080");
	s->head = (struct edge_head){ slice_of("POST"), slice_of("/v1?a=b"),
		slice_of("HTTP/1.1"), s->fields, 1, 100 };
}

static void
add(struct sample *s, struct edge_field field)
{
	s->fields[s->head.count++] = field;
}

static int
judge(struct sample *s)
{
	int status = edge_check(&s->head, &s->request, &s->why);

	/* Every refusal says why. */
	assert_int_equal(status == 0, s->why[0] == '\0');
	return status;
}

static int
judge_with(struct edge_field field)
{
	struct sample s;

	make(&s);
	add(&s, field);
	return judge(&s);
}

static int
judge_target(const char *target)
{
	struct sample s;

	make(&s);
	s.head.target = slice_of(target);
	return judge(&s);
}

static void
test_a_good_head_is_read(void **state)
{
	struct sample s;

	(void)state;
	make(&s);
	assert_int_equal(judge(&s), 0);
	assert_int_equal(s.request.method, HTTP_POST);
	assert_false(s.request.chunked || s.request.has_length ||
		     s.request.http_1_0 || s.request.wants_continue);
	add(&s, FIELD("content-length", "123456789012345678"));
	add(&s, FIELD("expect", "100-Continue "));
	assert_int_equal(judge(&s), 0);
	assert_true(s.request.has_length && s.request.wants_continue);
	assert_true(s.request.length == 123456789012345678);
	make(&s);
	add(&s, FIELD("TRANSFER-encoding", "Chunked"));
	assert_int_equal(judge(&s), 0);
	assert_true(s.request.chunked);
}

static void
test_methods_and_versions(void **state)
{
	static const char *const good[] = { "GET", "HEAD", "POST", "PUT",
		"DELETE", "OPTIONS" };
	static const char *const bad[] = { "get", "Post", "PATCH", "TRACE",
		"CONNECT", "", "GET ", "GETX", "GE" };
	static const char *const versions[] = { "HTTP/1.2", "HTTP/2.0",
		"http/1.1", "HTTP/1.1 ", "", "HTTP/1.01" };
	struct sample s;
	size_t i;

	(void)state;
	make(&s);
	for (i = 0; i < count_of(good); i++) {
		s.head.method = slice_of(good[i]);
		assert_int_equal(judge(&s), 0);
		assert_int_equal(s.request.method, i);
	}
	for (i = 0; i < count_of(bad); i++) {
		s.head.method = slice_of(bad[i]);
		assert_int_equal(judge(&s), 400);
	}
	make(&s);
	for (i = 0; i < count_of(versions); i++) {
		s.head.version = slice_of(versions[i]);
		assert_int_equal(judge(&s), 400);
	}
	s.head.version = slice_of("HTTP/1.0");
	assert_int_equal(judge(&s), 0);
	assert_true(s.request.http_1_0);
}

static void
test_targets(void **state)
{
	static const char *const bad[] = { "", "v1", "*", "http://a/", "//\x7f",
		"/a b", "/a\tb", "/a%", "/a%2", "/a%zz", "/%00", "/a#b",
		"/\xc3\xa9", "/a\"b", "/<a>", "/a\\b", "/a^b", "/{a}" };
	static const char *const good[] = { "/", "//", "/a/../b", "/a%2fb",
		"/%C3%A9", "/a?b=c&d[]=e", "/a;b=c,d", "/~a!$&'()*+,;=:@-._",
		"/%0d", "/?%20" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++)
		assert_int_equal(judge_target(bad[i]), 400);
	for (i = 0; i < count_of(good); i++)
		assert_int_equal(judge_target(good[i]), 0);
}

static void
test_every_byte_of_names_and_values(void **state)
{
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		char byte = (char)c;
		bool token = c != 0 && strchr("!#$%&'*+-.^_`|~0123456789"
					      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					      "abcdefghijklmnopqrstuvwxyz",
					   c) != NULL;
		bool value = c == '\t' || (c >= 0x20 && c != 0x7f);

		assert_int_equal(edge_is_token(slice_make(&byte, 1)), token);
		assert_int_equal(edge_is_value(slice_make(&byte, 1)), value);
	}
	assert_false(edge_is_token(slice_of("")));
	assert_true(edge_is_value(slice_of("")));
	assert_int_equal(judge_with(FIELD("X y", "z")), 400);
	assert_int_equal(judge_with(FIELD("X", "a\nb")), 400);
}

static void
test_framing_that_others_read_differently(void **state)
{
	static const char *const lengths[] = { "", " 5", "5 ", "+5", "-5",
		"0x5", "5,5", "5, 5", "5.0", "1234567890123456789", "\t5",
		"5a" };
	static const char *const codings[] = { "", "identity", "gzip",
		"gzip, chunked", "chunked, chunked", "chunked ", " chunked",
		"xchunked", "chunked;a=b" };
	struct sample s;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(lengths); i++) {
		make(&s);
		add(&s, FIELD("Content-Length", ""));
		s.fields[1].value = slice_of(lengths[i]);
		assert_int_equal(judge(&s), 400);
	}
	for (i = 0; i < count_of(codings); i++) {
		make(&s);
		add(&s, FIELD("Transfer-Encoding", ""));
		s.fields[1].value = slice_of(codings[i]);
		assert_int_equal(judge(&s), 400);
	}
	make(&s);
	add(&s, FIELD("Transfer-Encoding", "chunked"));
	s.head.version = slice_of("HTTP/1.0");
	assert_int_equal(judge(&s), 400);
	make(&s);
	add(&s, FIELD("Transfer-Encoding", "chunked"));
	add(&s, FIELD("Content-Length", "0"));
	assert_int_equal(judge(&s), 400);
}

static void
test_what_may_come_once_only(void **state)
{
	static const char *const names[] = { "host", "CONTENT-LENGTH",
		"Transfer-Encoding", "authorization", "x-api-key",
		"Content-Type", "Content-Encoding", "Expect" };
	struct sample s;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(names); i++) {
		make(&s);
		add(&s, FIELD("", "5"));
		add(&s, FIELD("X-Between", "y"));
		add(&s, FIELD("", "5"));
		s.fields[1].name = s.fields[3].name = slice_of(names[i]);
		assert_int_equal(judge(&s), 400);
	}
	make(&s);
	add(&s, FIELD("Accept", "a"));
	add(&s, FIELD("Accept", "b"));
	assert_int_equal(judge(&s), 0);
}

static void
test_hosts(void **state)
{
	static const char *const bad[] = { "a b", "a/b", "u@a", "a,b", "a\"" };
	struct sample s;
	char longest[300];
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		make(&s);
		s.fields[0].value = slice_of(bad[i]);
		assert_int_equal(judge(&s), 400);
	}
	make(&s);
	s.head.count = 0;
	assert_int_equal(judge(&s), 400);
	s.head.version = slice_of("HTTP/1.0");
	assert_int_equal(judge(&s), 0);
	make(&s);
	memset(longest, 'a', sizeof(longest));
	s.fields[0].value = slice_make(longest, 255);
	assert_int_equal(judge(&s), 0);
	s.fields[0].value = slice_make(longest, 256);
	assert_int_equal(judge(&s), 400);
}

static void
test_sizes(void **state)
{
	static char target[EDGE_TARGET_MAX + 2];
	struct sample s;

	(void)state;
	make(&s);
	memset(target, '/', sizeof(target));
	s.head.target = slice_make(target, EDGE_TARGET_MAX);
	assert_int_equal(judge(&s), 0);
	s.head.target.len++;
	assert_int_equal(judge(&s), 414);
	make(&s);
	s.head.bytes = EDGE_HEAD_MAX;
	assert_int_equal(judge(&s), 0);
	s.head.bytes++;
	assert_int_equal(judge(&s), 431);
	make(&s);
	while (s.head.count < EDGE_FIELDS_MAX)
		add(&s, FIELD("X", "y"));
	assert_int_equal(judge(&s), 0);
	add(&s, FIELD("X", "y"));
	assert_int_equal(judge(&s), 431);
	assert_int_equal(judge_with(FIELD("Content-Encoding", "gzip")), 415);
	assert_int_equal(judge_with(FIELD("Content-Encoding", "identity")), 0);
	assert_int_equal(judge_with(FIELD("Expect", "100-continued")), 400);
}

static void
test_pieces_have_to_fill_the_head(void **state)
{
	/* As a parser leaves "GET /a HTTP/1.1", "Host: b", "X:c". */
	static const char good[] =
	    "GET\0/a\0HTTP/1.1\0\0Host\0 b\0\0X\0c\0\0\0";
	struct edge_field fields[2];
	struct edge_head head = { .fields = fields, .count = 2 };
	char raw[sizeof(good)];
	size_t i, moved;

	(void)state;
	memcpy(raw, good, sizeof(raw));
	head.method = slice_make(raw, 3);
	head.target = slice_make(raw + 4, 2);
	head.version = slice_make(raw + 7, 8);
	fields[0].name = slice_make(raw + 17, 4);
	fields[0].value = slice_make(raw + 23, 1);
	fields[1].name = slice_make(raw + 26, 1);
	fields[1].value = slice_make(raw + 28, 1);
	assert_true(edge_whole(&head, slice_make(raw, 33)));
	/* A byte too many or too few, at every joint. */
	assert_false(edge_whole(&head, slice_make(raw, 32)));
	assert_false(edge_whole(&head, slice_make(raw, 34)));
	for (i = 0; i < 2; i++) {
		for (moved = 0; moved < 2; moved++) {
			struct edge_field was = fields[i];

			fields[i].value.len += moved ? 1 : (size_t)-1;
			assert_false(edge_whole(&head, slice_make(raw, 33)));
			fields[i] = was;
			fields[i].name.ptr += moved ? 1 : -1;
			assert_false(edge_whole(&head, slice_make(raw, 33)));
			fields[i] = was;
		}
	}
	head.version.len--;
	assert_false(edge_whole(&head, slice_make(raw, 33)));
	head.version.len++;
	head.target.len--;
	assert_false(edge_whole(&head, slice_make(raw, 33)));
	head.target.len++;
	/* What lies between has been cut away, or the parser is not ours. */
	raw[25] = 'x';
	assert_false(edge_whole(&head, slice_make(raw, 33)));
	raw[25] = '\0';
	/* Only spaces and tabs between colon and value. */
	raw[22] = '\t';
	assert_true(edge_whole(&head, slice_make(raw, 33)));
	raw[22] = '\0';
	assert_false(edge_whole(&head, slice_make(raw, 33)));
}

static void
test_paths_and_queries(void **state)
{
	struct slice target = slice_of("/a/b?x=1&yy=2&y=%41&z&w=&x=3"), v;

	(void)state;
	assert_true(slice_is(edge_path(target), "/a/b"));
	assert_true(slice_is(edge_path(slice_of("/a")), "/a"));
	assert_true(edge_query(target, "x", &v) && slice_is(v, "1"));
	assert_true(edge_query(target, "y", &v) && slice_is(v, "%41"));
	assert_true(edge_query(target, "z", &v) && v.len == 0);
	assert_true(edge_query(target, "w", &v) && v.len == 0);
	assert_false(edge_query(target, "yyy", &v));
	assert_false(edge_query(target, "a", &v));
	assert_false(edge_query(slice_of("/a"), "x", &v));
	assert_false(edge_query(slice_of("/a?"), "x", &v));
	assert_true(edge_query(slice_of("/a?&&x=5&"), "x", &v));
	assert_true(slice_is(v, "5"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_head_is_read),
		cmocka_unit_test(test_methods_and_versions),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_every_byte_of_names_and_values),
		cmocka_unit_test(test_framing_that_others_read_differently),
		cmocka_unit_test(test_what_may_come_once_only),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_pieces_have_to_fill_the_head),
		cmocka_unit_test(test_paths_and_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
