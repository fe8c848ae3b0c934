#include "tests/unit/net/served.h"

#include <openssl/ssl.h>
#include <signal.h>

#include "tests/unit/net/pem.h"

#define END "Host: a\r\nConnection: close\r\n"

/* What the server shows and the clients trust. */
struct secured {
	struct served w;
	struct pem pem;
};

static void
start(struct secured *s, int64_t patience_ms)
{
	const char *why;
	int fd = listen_tcp(slice_of("127.0.0.1:0"), false, &why);

	assert_true(fd >= 0);
	pem_make(&s->pem);
	served_start_with(&s->w, fd, patience_ms,
	    (struct served_tls){ s->pem.cert, s->pem.key });
}

/* A client on a socket of its own that trusts the one certificate. */
struct client {
	SSL_CTX *context;
	SSL *ssl;
	int fd;
};

static bool
client_shakes(struct client *c, const struct secured *s, int version)
{
	BIO *pem = BIO_new_mem_buf(s->pem.cert, -1);
	X509 *cert = PEM_read_bio_X509(pem, NULL, NULL, NULL);

	BIO_free(pem);
	c->context = SSL_CTX_new(TLS_client_method());
	/* Old versions are offered only at the lowest level. */
	SSL_CTX_set_security_level(c->context, 0);
	SSL_CTX_set_min_proto_version(c->context, version);
	SSL_CTX_set_max_proto_version(c->context, version);
	SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(c->context), cert);
	X509_free(cert);
	c->ssl = SSL_new(c->context);
	c->fd = dial(&s->w);
	SSL_set_fd(c->ssl, c->fd);
	return SSL_connect(c->ssl) == 1;
}

static void
client_open(struct client *c, const struct secured *s)
{
	assert_true(client_shakes(c, s, TLS1_3_VERSION));
}

static void
client_close(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->context);
	close(c->fd);
}

static void
client_says(struct client *c, struct slice text)
{
	assert_int_equal(SSL_write(c->ssl, text.ptr, (int)text.len), text.len);
}

/* False at the end. */
static bool
client_hears(struct client *c, struct buf *in)
{
	uint8_t *room = buf_room(in, 65536);
	int n;

	assert_non_null(room);
	n = SSL_read(c->ssl, room, 65536);
	if (n > 0)
		buf_grow(in, (size_t)n);
	return n > 0;
}

static void
client_hears_answer(struct client *c, struct buf *in)
{
	size_t at = in->len;

	while (answer_length(in, at, false) == 0)
		assert_true(client_hears(c, in));
}

static void
ask(const struct secured *s, struct buf *in, const char *text)
{
	struct client c;

	client_open(&c, s);
	client_says(&c, slice_of(text));
	while (client_hears(&c, in))
		;
	client_close(&c);
}

static bool
has(struct buf *in, const char *text)
{
	return strstr(buf_text(in), text) != NULL;
}

/* The sum of the chunks' sizes; -1 when the last one is not there. */
static long
chunked_bytes(struct buf *in)
{
	const char *at = strstr(buf_text(in), "\r\n\r\n"), *end;
	const char *over = buf_text(in) + in->len;
	long all = 0, size;

	assert_non_null(at);
	for (at += 4; at < over; at = end + 2 + size + 2) {
		size = strtol(at, (char **)&end, 16);
		if (size == 0)
			return all;
		all += size;
	}
	return -1;
}

static void
answers_get_out_whenever_they_are_given(void **state)
{
	static const char *const paths[] = { "/early", "/x", "/soon",
		"/release" };
	char text[128];
	struct client c;
	struct secured s;
	struct buf in;
	size_t i;

	(void)state;
	start(&s, 10000);
	buf_init(&in, 1 << 20);
	client_open(&c, &s);
	for (i = 0; i < count_of(paths); i++) {
		snprintf(text, sizeof(text),
		    "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
		client_says(&c, slice_of(text));
		client_hears_answer(&c, &in);
	}
	client_close(&c);
	assert_true(has(&in, "early") && has(&in, "fine"));
	assert_true(has(&in, "soon") && has(&in, "released"));
	buf_fini(&in);
	served_stop(&s.w);
	assert_int_equal(s.w.gone, 0);
}

/* Decrypted bytes that wait within the library are no event of the socket. */
static void
a_body_of_many_records_does_not_stall(void **state)
{
	struct client c;
	struct secured s;
	struct buf in, out;
	size_t i, sizes[] = { 1, 16383, 16384, 16385, 40000, 60000 };

	(void)state;
	start(&s, 10000);
	buf_init(&in, 4 << 20);
	buf_init(&out, 1 << 20);
	client_open(&c, &s);
	for (i = 0; i < count_of(sizes); i++) {
		buf_reset(&out);
		buf_printf(&out,
		    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: "
		    "%zu\r\n\r\n",
		    sizes[i]);
		memset(buf_room(&out, sizes[i]), 'a', sizes[i]);
		buf_grow(&out, sizes[i]);
		client_says(&c, buf_slice(&out));
		client_hears_answer(&c, &in);
	}
	client_close(&c);
	buf_fini(&in);
	buf_fini(&out);
	served_stop(&s.w);
	assert_int_equal(s.w.bodies, count_of(sizes));
	assert_int_equal(s.w.refused, 0);
}

#define POUR_BYTES 8000000

static void
a_slow_reader_slows_the_stream(void **state)
{
	struct client c;
	struct secured s;
	struct buf in;
	int bytes = 32768;

	(void)state;
	start(&s, 10000);
	client_open(&c, &s);
	setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	client_says(&c,
	    slice_of("GET /stream?bytes=8000000 HTTP/1.1\r\n" END "\r\n"));
	while (s.w.full < 2)
		sched_yield();
	buf_init(&in, 16 * 1024 * 1024);
	while (client_hears(&c, &in))
		;
	assert_int_equal(chunked_bytes(&in), POUR_BYTES);
	client_close(&c);
	buf_fini(&in);
	served_stop(&s.w);
	assert_int_equal(s.w.sent, POUR_BYTES);
	assert_true(s.w.waiting_most < 128 * 1024);
	assert_int_equal(s.w.gone, 0);
}

static void
streams_end_well_or_visibly_cut(void **state)
{
	struct secured s;
	struct client c;
	struct buf in;

	(void)state;
	start(&s, 10000);
	buf_init(&in, 1 << 20);
	client_open(&c, &s);
	client_says(&c,
	    slice_of("GET /stream?bytes=5 HTTP/1.1\r\nHost: a\r\n\r\n"));
	client_hears_answer(&c, &in);
	assert_int_equal(chunked_bytes(&in), 5);
	buf_reset(&in);
	client_says(&c,
	    slice_of("GET /stream?bytes=0 HTTP/1.1\r\nHost: a\r\n\r\n"));
	client_hears_answer(&c, &in);
	assert_int_equal(chunked_bytes(&in), 0);
	client_close(&c);
	buf_reset(&in);
	ask(&s, &in, "GET /stream?bytes=5 HTTP/1.0\r\n\r\n");
	assert_true(has(&in, "\r\n\r\nfffff"));
	buf_reset(&in);
	ask(&s, &in, "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(has(&in, "half an ans"));
	assert_int_equal(chunked_bytes(&in), -1);
	buf_fini(&in);
	served_stop(&s.w);
	assert_int_equal(s.w.gone, 0);
	assert_int_equal(s.w.done, 4);
}

static void
leave(const struct secured *s, const char *text, bool politely)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	int bodies = s->w.bodies;
	struct client c;

	client_open(&c, s);
	client_says(&c, slice_of(text));
	while (s->w.bodies == bodies)
		sched_yield();
	if (politely)
		SSL_shutdown(c.ssl);
	else
		setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	client_close(&c);
}

static void
a_client_that_leaves_is_noticed(void **state)
{
	static const char *const texts[] = {
		"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /stream?bytes=9000000 HTTP/1.1\r\nHost: a\r\n\r\n"
	};
	struct secured s;
	int i;

	(void)state;
	start(&s, 10000);
	for (i = 0; i < 4; i++) {
		leave(&s, texts[i / 2], i % 2 == 0);
		while (s.w.done <= i)
			sched_yield();
		assert_int_equal(s.w.gone, i + 1);
	}
	served_stop(&s.w);
}

/* Whoever does not speak TLS, or an old one, is not served. */
static void
only_modern_tls_is_spoken(void **state)
{
	struct client c;
	struct secured s;
	struct buf in;
	int fd;

	(void)state;
	start(&s, 10000);
	buf_init(&in, 65536 * 2);
	fd = dial(&s.w);
	say(fd, slice_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_true(hear_all(fd, &in));
	assert_false(has(&in, "HTTP/1.1"));
	close(fd);
	buf_fini(&in);
	assert_true(client_shakes(&c, &s, TLS1_2_VERSION));
	client_close(&c);
	assert_false(client_shakes(&c, &s, TLS1_1_VERSION));
	client_close(&c);
	served_stop(&s.w);
	assert_int_equal(s.w.heads, 0);
}

/* In the handshake, in a head, in a body, and between two requests. */
static void
slow_clients_are_ended(void **state)
{
	struct client c;
	struct secured s;
	struct buf in;
	int fd;

	(void)state;
	start(&s, 200);
	buf_init(&in, 1 << 20);
	fd = dial(&s.w);
	assert_true(hear_all(fd, &in));
	close(fd);
	assert_int_equal(in.len, 0);
	ask(&s, &in, "GET / HTT");
	assert_int_equal(in.len, 0);
	ask(&s, &in,
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhell");
	assert_int_equal(in.len, 0);
	client_open(&c, &s);
	client_says(&c, slice_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	while (client_hears(&c, &in))
		;
	client_close(&c);
	assert_true(has(&in, "fine"));
	buf_fini(&in);
	served_stop(&s.w);
}

static void
freeing_ends_what_is_under_way(void **state)
{
	struct client waiting, streaming;
	struct secured s;

	(void)state;
	start(&s, 10000);
	client_open(&waiting, &s);
	client_says(&waiting,
	    slice_of("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
	client_open(&streaming, &s);
	client_says(&streaming,
	    slice_of("GET /stream?bytes=9000000 HTTP/1.1\r\nHost: "
		     "a\r\n\r\n"));
	while (s.w.bodies < 2 || s.w.full == 0)
		sched_yield();
	served_stop(&s.w);
	assert_int_equal(s.w.gone, 2);
	client_close(&waiting);
	client_close(&streaming);
}

static void
a_key_of_another_certificate_is_refused(void **state)
{
	const char *why = NULL;
	struct pem mine, other;
	struct http_config config = {
		.connections_max = 1,
		.tls_cert = mine.cert,
		.tls_key = other.key,
	};
	struct loop *loop = loop_new("refused");

	(void)state;
	pem_make(&mine);
	pem_make(&other);
	config.listen_fd = listen_tcp(slice_of("127.0.0.1:0"), false, &why);
	assert_null(http_server_new(loop, &config, &why));
	assert_non_null(why);
	close(config.listen_fd);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_get_out_whenever_they_are_given),
		cmocka_unit_test(a_body_of_many_records_does_not_stall),
		cmocka_unit_test(a_slow_reader_slows_the_stream),
		cmocka_unit_test(streams_end_well_or_visibly_cut),
		cmocka_unit_test(a_client_that_leaves_is_noticed),
		cmocka_unit_test(only_modern_tls_is_spoken),
		cmocka_unit_test(slow_clients_are_ended),
		cmocka_unit_test(freeing_ends_what_is_under_way),
		cmocka_unit_test(a_key_of_another_certificate_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
