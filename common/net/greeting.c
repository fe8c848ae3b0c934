#include "common/net/greeting.h"

#include "common/net/queue.h"

#define AUTH_CONTEXT "gsr/link-auth/v1"
#define AUTH_MAX     512

/* Sides in the order that transcripts have them. */
enum { DIALLER, ACCEPTOR };

static int
our_side(const struct session *s)
{
	return s->config.dialler ? DIALLER : ACCEPTOR;
}

/* Keys of both directions: H(exporter; label "d" or "a", hashes). */
static void
set_keys(struct session *s, const char *label, const struct hash *hashes,
    size_t count)
{
	struct slice key = slice_make(s->config.exporter, KEY_BYTES);
	struct buf text;
	int side;

	for (side = DIALLER; side <= ACCEPTOR; side++) {
		struct packet_way *way =
		    side == our_side(s) ? &s->out_way : &s->in_way;
		struct hash derived;

		buf_init(&text, AUTH_MAX);
		buf_puts(&text, label);
		buf_putc(&text, side == DIALLER ? 'd' : 'a');
		buf_put(&text, hashes, count * sizeof(*hashes));
		derived = hash_keyed(key, text.data, text.len);
		memcpy(way->key, derived.bytes, KEY_BYTES);
		way->seq = 0;
		crypto_wipe(&derived, sizeof(derived));
		buf_fini(&text);
	}
}

void
greeting_start(struct session *s)
{
	const struct session_config *c = &s->config;
	struct frame f = { .type = FRAME_HELLO };
	struct frame_hello *hello = &f.as.hello;
	struct slice frames;

	set_keys(s, "gsr/link/hello/", NULL, 0);
	hello->least_version = GREETING_VERSION;
	hello->most_version = GREETING_VERSION;
	if (c->role == LINK_EGRESS)
		hello->features = GREETING_ANSWERS_LEDGER;
	hello->boot = slice_make(c->boot.bytes, ID_BYTES);
	hello->lane = c->lane;
	hello->role = c->role;
	hello->name = slice_of(c->name);
	queue_alone(s, &f);
	frames = slice_make(s->out.data + PACKET_HEAD,
	    s->out.len - PACKET_HEAD - TAG_BYTES);
	s->hello[our_side(s)] = hash_of(frames.ptr, frames.len);
}

/* What an AUTH signs. */
struct claim {
	int side;
	enum link_role role;
	struct slice signer, other;
	const struct hash *topology;
};

static void
write_claim(struct buf *out, const struct session *s, const struct claim *claim)
{
	int side;

	pack_array(out, 8);
	pack_int(out, claim->side);
	pack_int(out, claim->role);
	pack_text(out, claim->signer);
	pack_text(out, claim->other);
	pack_bytes(out, s->config.exporter, KEY_BYTES);
	for (side = DIALLER; side <= ACCEPTOR; side++)
		pack_bytes(out, s->hello[side].bytes, HASH_BYTES);
	pack_bytes(out, claim->topology->bytes, HASH_BYTES);
}

static void
send_auth(struct session *s)
{
	const struct session_config *c = &s->config;
	struct claim claim = { our_side(s), c->role, slice_of(c->name),
		slice_of(c->peer.name), &c->topology };
	struct frame f = { .type = FRAME_AUTH };
	struct signature signature;
	struct buf message;

	buf_init(&message, AUTH_MAX);
	write_claim(&message, s, &claim);
	signature = sign_bytes(c->identity, AUTH_CONTEXT, buf_slice(&message));
	buf_fini(&message);
	f.as.auth.topology = slice_make(c->topology.bytes, HASH_BYTES);
	f.as.auth.signature = slice_make(signature.bytes, SIGNATURE_BYTES);
	queue_alone(s, &f);
}

static void
send_settings(struct session *s)
{
	struct frame f = { .type = FRAME_SETTINGS };

	f.as.settings.streams = s->config.dialler ? 0 : SESSION_STREAMS;
	f.as.settings.credit = SESSION_CREDIT;
	queue_alone(s, &f);
}

void
greeting_hello(struct session *s, const struct frame *f, struct slice frames)
{
	const struct frame_hello *hello = &f->as.hello;

	if (!slice_is(hello->name, s->config.peer.name) ||
	    hello->role != (int64_t)s->config.peer.role) {
		session_violate(s, "HELLO does not match the certificate");
		return;
	}
	if (hello->least_version > GREETING_VERSION ||
	    hello->most_version < GREETING_VERSION) {
		session_stop(s, "no common version of the protocol");
		return;
	}
	memcpy(s->peer_boot.bytes, hello->boot.ptr, ID_BYTES);
	s->peer_lane = (unsigned)hello->lane;
	s->peer_features = hello->features;
	s->hello[!our_side(s)] = hash_of(frames.ptr, frames.len);
	set_keys(s, "gsr/link/packet/", s->hello, 2);
	s->state = SESSION_AUTH;
	/* The dialler proves itself first; a stranger learns nothing of us. */
	if (s->config.dialler)
		send_auth(s);
}

void
greeting_auth(struct session *s, const struct frame *f)
{
	const struct session_config *c = &s->config;
	struct claim claim = { !our_side(s), c->peer.role,
		slice_of(c->peer.name), slice_of(c->name), &s->peer_topology };
	struct signature signature;
	struct buf message;
	bool good;

	memcpy(s->peer_topology.bytes, f->as.auth.topology.ptr, HASH_BYTES);
	memcpy(signature.bytes, f->as.auth.signature.ptr, SIGNATURE_BYTES);
	buf_init(&message, AUTH_MAX);
	write_claim(&message, s, &claim);
	good = sign_check(&c->peer.key, AUTH_CONTEXT, buf_slice(&message),
	    &signature);
	buf_fini(&message);
	if (!good) {
		session_violate(s, "AUTH is not signed by the peer");
		return;
	}
	s->state = SESSION_SETTINGS;
	if (!c->dialler)
		send_auth(s);
	send_settings(s);
}

void
greeting_settings(struct session *s, const struct frame *f)
{
	s->send_credit = f->as.settings.credit;
	s->streams_max = SESSION_STREAMS;
	if (s->config.dialler)
		s->streams_max =
		    min_size(SESSION_STREAMS, (size_t)f->as.settings.streams);
	s->state = SESSION_UP;
	s->quiet_us = 0; /* the first PING goes at once: how far is it? */
	s->config.events.on_up(s->config.arg);
}
