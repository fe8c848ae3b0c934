/* HELLO, AUTH, SETTINGS, and what an attacker may try with them. */
#include "common/net/greeting.h"
#include "tests/unit/net/pair.h"

static void
both_sides_come_up(void **state)
{
	struct pair *p = pair_up();
	struct hash hash = hash_of("node", 4);

	(void)state;
	assert_int_equal(p->child.ups, 1);
	assert_int_equal(p->parent.ups, 1);
	assert_int_equal(p->parent.s->peer_lane, 3);
	assert_int_equal(p->parent.s->peer_boot.bytes[0], 1);
	assert_int_equal(p->child.s->peer_boot.bytes[0], 2);
	assert_memory_equal(&p->parent.s->peer_topology, &hash, sizeof(hash));
	assert_int_equal(p->child.s->streams_max, SESSION_STREAMS);
	assert_memory_equal(p->child.s->out_way.key, p->parent.s->in_way.key,
	    KEY_BYTES);
	assert_memory_not_equal(p->child.s->out_way.key, p->child.s->in_way.key,
	    KEY_BYTES);
	pair_free(p);
}

/* An older one says 0, and is not asked. */
static void
a_parent_says_that_it_answers_for_its_ledger(void **state)
{
	struct pair *p = pair_up();

	(void)state;
	assert_int_equal(p->child.s->peer_features, GREETING_ANSWERS_LEDGER);
	assert_int_equal(p->parent.s->peer_features, 0);
	pair_free(p);
}

/* Another HELLO of either side gives other keys. */
static void
keys_depend_on_both_hellos(void **state)
{
	struct pair *p = pair_up(), *q;
	int side;

	(void)state;
	for (side = 0; side < 2; side++) {
		struct party *y;
		struct session_config config;

		q = pair_new();
		y = side == 0 ? &q->child : &q->parent;
		config = y->s->config;
		config.lane = 9;
		session_free(y->s);
		y->s = session_new(&config, q->now_us);
		pair_run(q);
		assert_int_equal(q->child.s->state, SESSION_UP);
		assert_memory_not_equal(p->child.s->out_way.key,
		    q->child.s->out_way.key, KEY_BYTES);
		pair_free(q);
	}
	pair_free(p);
}

static void
byte_by_byte_as_well(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	p->chunk = 1;
	pair_run(p);
	assert_int_equal(p->child.s->state, SESSION_UP);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	pair_free(p);
}

/* The dialler proves itself before the acceptor does. */
static void
the_acceptor_is_not_first(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	assert_true(pair_carry(p, &p->parent));
	assert_int_equal(p->child.s->state, SESSION_AUTH);
	assert_true(pair_carry(p, &p->child));
	assert_int_equal(p->parent.s->state, SESSION_SETTINGS);
	assert_int_equal(p->parent.ups, 0);
	pair_free(p);
}

/* Change a packet of one side by means of the HELLO keys, as `kind` says. */
static void
edit_hello(struct pair *p, struct party *from, size_t index,
    struct slice packet, struct buf *arrives)
{
	struct frame f;
	struct packet out;
	struct packet_way way = from->first_way;
	struct unpack u = unpack_start(slice_make(packet.ptr + PACKET_HEAD,
	    packet.len - PACKET_HEAD - TAG_BYTES));

	if (from != p->aim || index != 0) {
		buf_put_slice(arrives, packet);
		return;
	}
	assert_int_equal(unpack_array(&u), 1);
	assert_int_equal(frame_read(&f, &u), FRAME_GOOD);
	if (p->kind == 0)
		f.as.hello.features = 2;
	if (p->kind == 1)
		f.as.hello.most_version = 2;
	if (p->kind == 2)
		f.as.hello.lane = 4;
	if (p->kind == 3)
		f.as.hello.name = slice_of("node-b");
	if (p->kind == 4)
		f.as.hello.role = !f.as.hello.role;
	if (p->kind == 5)
		f.as.hello.least_version = f.as.hello.most_version = 9;
	way.seq = 0;
	packet_start(&out, arrives);
	frame_write(arrives, &f);
	out.frames = 1;
	packet_finish(&out, &way);
}

static void
an_edited_hello_is_noticed(void **state)
{
	int kind, side;

	(void)state;
	for (kind = 0; kind < 6; kind++)
		for (side = 0; side < 2; side++) {
			struct pair *p = pair_new();

			p->kind = kind;
			p->aim = side == 0 ? &p->child : &p->parent;
			p->between = edit_hello;
			pair_run(p);
			assert_int_equal(p->child.ups + p->parent.ups, 0);
			assert_true(p->child.s->state == SESSION_OVER ||
				    p->parent.s->state == SESSION_OVER);
			pair_free(p);
		}
}

/* Does the edit work at all?  The same without a change comes up. */
static void
a_copied_hello_is_taken(void **state)
{
	int side;

	(void)state;
	for (side = 0; side < 2; side++) {
		struct pair *p = pair_new();

		p->kind = -1;
		p->aim = side == 0 ? &p->child : &p->parent;
		p->between = edit_hello;
		pair_run(p);
		assert_int_equal(p->child.ups + p->parent.ups, 2);
		pair_free(p);
	}
}

static void
fill_frame(struct frame *f, enum frame_type type)
{
	static const char zeros[64];

	memset(f, 0, sizeof(*f));
	f->type = type;
	switch (type) {
	case FRAME_HELLO:
		f->as.hello.least_version = f->as.hello.most_version = 1;
		f->as.hello.boot = slice_make(zeros, 16);
		f->as.hello.name = slice_of("node-a");
		break;
	case FRAME_AUTH:
		f->as.auth.topology = slice_make(zeros, 32);
		f->as.auth.signature = slice_make(zeros, 64);
		break;
	case FRAME_SETTINGS:
		f->as.settings.credit = SESSION_CREDIT;
		break;
	case FRAME_DATA:
		f->as.data.stream = 1;
		f->as.data.bytes = slice_of("x");
		break;
	case FRAME_REVOKE:
		f->as.revoke.bytes = slice_of("x");
		break;
	default:
		/* END, CANCEL, CREDIT, PING, PONG, GOAWAY begin alike. */
		f->as.credit.stream = 1;
		f->as.credit.bytes = 1;
	}
}

static const enum frame_type early[] = { FRAME_HELLO, FRAME_AUTH,
	FRAME_SETTINGS, FRAME_DATA, FRAME_END, FRAME_CANCEL, FRAME_CREDIT,
	FRAME_REVOKE, FRAME_PING, FRAME_PONG, FRAME_GOAWAY, FRAME_TWIN };

/* The parent in that state, and a child that said nothing since. */
static struct pair *
pair_at(enum session_state at)
{
	struct pair *p = pair_new();

	if (at > SESSION_HELLO) {
		assert_true(pair_carry(p, &p->child));
		assert_true(pair_carry(p, &p->parent));
	}
	if (at > SESSION_AUTH) {
		assert_true(pair_carry(p, &p->child));
	} else {
		buf_reset(&p->child.s->out);
		p->child.s->out_way.seq = 0;
	}
	assert_int_equal(p->parent.s->state, at);
	return p;
}

static void
nothing_else_is_taken_before(void **state)
{
	static const enum frame_type due[] = { FRAME_HELLO, FRAME_AUTH,
		FRAME_SETTINGS };
	int at;
	size_t i;

	(void)state;
	for (at = SESSION_HELLO; at <= SESSION_SETTINGS; at++)
		for (i = 0; i < count_of(early); i++) {
			struct pair *p = pair_at((enum session_state)at);
			struct frame f;

			if (early[i] != due[at]) {
				fill_frame(&f, early[i]);
				pair_forge(p, &p->child, &f, 1);
				assert_refused(&p->parent, 0);
			}
			pair_free(p);
		}
}

/* The frame that is due, and one more in its packet. */
static void
a_greeting_comes_alone(void **state)
{
	struct pair *p = pair_at(SESSION_HELLO);
	struct frame f[2];

	(void)state;
	fill_frame(&f[0], FRAME_HELLO);
	fill_frame(&f[1], FRAME_PING);
	pair_forge(p, &p->child, f, 2);
	assert_refused(&p->parent, 0);
	pair_free(p);

	p = pair_at(SESSION_SETTINGS);
	fill_frame(&f[0], FRAME_SETTINGS);
	pair_forge(p, &p->child, f, 2);
	assert_refused(&p->parent, 0);
	pair_free(p);

	p = pair_at(SESSION_SETTINGS);
	pair_forge(p, &p->child, f, 1);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	fill_frame(&f[0], FRAME_HELLO);
	pair_forge(p, &p->child, f, 1);
	assert_refused(&p->parent, 1);
	pair_free(p);
}

static void
a_large_hello_is_refused_by_its_length(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	session_feed(p->parent.s, slice_make("\0\0\2\0", 4), p->now_us);
	assert_refused(&p->parent, 0);
	pair_free(p);
}

/* The child's packets go to another parent (its exporter differs). */
static void
a_recorded_session_is_refused(void **state)
{
	struct pair *p = pair_up();
	struct pair *q = pair_new();
	struct session_config config = q->parent.s->config;
	struct party *again = &q->parent;

	(void)state;
	session_free(again->s);
	memset(config.exporter, 8, sizeof(config.exporter));
	again->s = session_new(&config, q->now_us);
	assert_true(pair_carry(q, &q->child));
	assert_refused(again, 0);
	pair_free(q);
	pair_free(p);
}

/* Even where the exporter is the same, AUTH covers both HELLOs. */
static void
keep_child(struct pair *p, struct party *from, size_t index,
    struct slice packet, struct buf *arrives)
{
	(void)index;
	if (from == &p->child)
		buf_put_slice(&p->kept, packet);
	buf_put_slice(arrives, packet);
}

static void
a_replay_meets_another_hello(void **state)
{
	struct pair *p = pair_new();
	struct pair *q = pair_new();
	struct session_config config = q->parent.s->config;

	(void)state;
	p->between = keep_child;
	pair_run(p);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	session_free(q->parent.s);
	memset(config.boot.bytes, 9, ID_BYTES); /* the parent was restarted */
	/* Its keys are those that the recorded AUTH was signed with. */
	q->parent.self.key = p->parent.self.key;
	config.peer.key = p->child.self.key;
	q->parent.s = session_new(&config, q->now_us);
	pair_feed(q, &q->parent, buf_slice(&p->kept));
	assert_refused(&q->parent, 0);
	pair_free(q);
	pair_free(p);
}

/* TLS let it in by another's certificate: it cannot sign AUTH. */
static void
a_thief_of_the_tls_key_is_refused(void **state)
{
	struct pair *p = pair_new();
	struct secret *own = p->child.identity;
	struct secret *other = sign_key_new();

	(void)state;
	p->child.s->config.identity = other;
	pair_run(p);
	assert_refused(&p->parent, 0);
	assert_int_equal(p->child.ups, 0);
	p->child.s->config.identity = own;
	secret_free(other);
	pair_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_come_up),
		cmocka_unit_test(a_parent_says_that_it_answers_for_its_ledger),
		cmocka_unit_test(keys_depend_on_both_hellos),
		cmocka_unit_test(byte_by_byte_as_well),
		cmocka_unit_test(the_acceptor_is_not_first),
		cmocka_unit_test(an_edited_hello_is_noticed),
		cmocka_unit_test(a_copied_hello_is_taken),
		cmocka_unit_test(nothing_else_is_taken_before),
		cmocka_unit_test(a_greeting_comes_alone),
		cmocka_unit_test(a_large_hello_is_refused_by_its_length),
		cmocka_unit_test(a_recorded_session_is_refused),
		cmocka_unit_test(a_replay_meets_another_hello),
		cmocka_unit_test(a_thief_of_the_tls_key_is_refused),
	};

	if (!crypto_start())
		return 1;
	log_threshold(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
