#include "common/net/message.h"

#include <assert.h>

#include "common/net/session.h"

static enum link_message
message_type(enum frame_type type)
{
	switch (type) {
	case FRAME_CATALOG:
		return LINK_CATALOG;
	case FRAME_RECEIPT:
		return LINK_RECEIPT;
	case FRAME_ACK:
		return LINK_ACK;
	case FRAME_CAPACITY:
		return LINK_CAPACITY;
	case FRAME_REVOKE:
		return LINK_REVOKE;
	case FRAME_CHECKPOINT:
		return LINK_CHECKPOINT;
	case FRAME_LEDGER_ASK:
		return LINK_LEDGER_ASK;
	case FRAME_LEDGER_PAGE:
		return LINK_LEDGER_PAGE;
	default:
		assert(type == FRAME_REPORT);
		return LINK_REPORT;
	}
}

static void
tell(struct session *s, enum frame_type type, struct slice bytes)
{
	s->config.events.on_message(s->config.arg, message_type(type), bytes);
}

static void
first_part(struct session *s, enum frame_type type, size_t left,
    struct slice bytes)
{
	struct assembly *a = &s->assembly;

	if (a->type != 0 || left + bytes.len > LINK_MESSAGE_MAX) {
		session_violate(s, "message of several parts out of turn");
		return;
	}
	a->type = type;
	a->left = left;
	buf_init(&a->bytes, left + bytes.len);
	buf_put_slice(&a->bytes, bytes);
}

void
message_part(struct session *s, const struct frame *f)
{
	/* The messages' frames have one layout. */
	struct slice bytes = f->as.catalog.bytes;
	size_t left = (size_t)f->as.catalog.left;
	struct assembly *a = &s->assembly;

	if (a->type != f->type) {
		if (left == 0)
			tell(s, f->type, bytes);
		else
			first_part(s, f->type, left, bytes);
		return;
	}
	if (left + bytes.len != a->left) {
		session_violate(s, "part of a message does not fit");
		return;
	}
	buf_put_slice(&a->bytes, bytes);
	a->left = left;
	if (left > 0)
		return;
	a->type = 0;
	tell(s, f->type, buf_slice(&a->bytes));
	buf_fini(&a->bytes);
}

void
message_fini(struct session *s)
{
	if (s->assembly.type != 0)
		buf_fini(&s->assembly.bytes);
	s->assembly.type = 0;
}
