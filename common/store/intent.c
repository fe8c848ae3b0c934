#include "common/store/intent.h"

#include <assert.h>

#include "common/format/pack.h"

struct attempt_key
attempt_key_make(const struct id *request, int64_t number, struct slice origin)
{
	struct attempt_key k = { .len = ID_BYTES + 1 + origin.len };

	assert(number >= 0 && number <= UINT8_MAX);
	assert(k.len <= sizeof(k.bytes));
	memcpy(k.bytes, request->bytes, ID_BYTES);
	k.bytes[ID_BYTES] = (uint8_t)number;
	if (origin.len > 0)
		memcpy(k.bytes + ID_BYTES + 1, origin.ptr, origin.len);
	return k;
}

/* No member's name is or begins with a control byte. */
struct attempt_key
intent_mark(const struct id *request, int64_t number, uint8_t mark)
{
	return attempt_key_make(request, number,
	    slice_make(&mark, sizeof(mark)));
}

int
intent_mark_of(struct slice key)
{
	uint8_t last;

	if (key.len != ID_BYTES + 2)
		return -1;
	last = (uint8_t)key.ptr[ID_BYTES + 1];
	return last <= INTENT_RECEIPT ? last : -1;
}

void
intent_write(struct buf *out, const struct request_row *request,
    const struct attempt_row *attempt)
{
	pack_array(out, 2);
	if (request != NULL)
		row_write(ROW_REQUEST, request, out);
	else
		pack_nil(out);
	if (attempt != NULL)
		row_write(ROW_ATTEMPT, attempt, out);
	else
		pack_nil(out);
}

bool
intent_read(struct intent *i, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	bool pair = unpack_array(&u) == 2;

	i->has_request = !unpack_nil(&u);
	if (i->has_request &&
	    !row_read(ROW_REQUEST, unpack_raw(&u), &i->request))
		return false;
	i->has_attempt = !unpack_nil(&u);
	if (i->has_attempt &&
	    !row_read(ROW_ATTEMPT, unpack_raw(&u), &i->attempt))
		return false;
	return pair && unpack_done(&u) && (i->has_request || i->has_attempt);
}

static struct attempt_key
key_of(const struct request_row *request, const struct attempt_row *attempt)
{
	struct slice none = { NULL, 0 };

	return attempt_key_make(&attempt->request, attempt->number,
	    request == NULL ? attempt->origin : none);
}

void
ledger_intend(struct ledger_turn *t, const struct request_row *request,
    const struct attempt_row *attempt)
{
	struct attempt_key key = key_of(request, attempt);
	struct buf value;

	buf_init(&value, ROW_BYTES_MAX);
	intent_write(&value, request, attempt);
	assert(!value.failed);
	ledger_put(t, LEDGER_INTENTS, FAMILY_INTENT, attempt_key_slice(&key),
	    buf_slice(&value));
	buf_fini(&value);
}

static void
delete_intent(struct ledger_turn *t, struct attempt_key key)
{
	ledger_delete(t, LEDGER_SETTLEMENTS, FAMILY_INTENT,
	    attempt_key_slice(&key));
}

/* Between two attempts no intent is open: a mark stands in for one. */
static void
mark_goes_on(struct ledger_turn *t, const struct request_row *request,
    int64_t number)
{
	struct attempt_key key =
	    intent_mark(&request->id, number, INTENT_GOES_ON);
	struct buf value;

	buf_init(&value, ROW_BYTES_MAX);
	intent_write(&value, request, NULL);
	assert(!value.failed);
	ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_INTENT,
	    attempt_key_slice(&key), buf_slice(&value));
	buf_fini(&value);
}

void
ledger_settle(struct ledger_turn *t, const struct request_row *request,
    const struct attempt_row *attempt)
{
	struct attempt_key key = key_of(request, attempt);

	ledger_put_row(t, ROW_ATTEMPT, attempt, attempt_key_slice(&key));
	delete_intent(t, key);
	if (request == NULL)
		return;
	ledger_put_row(t, ROW_REQUEST, request,
	    slice_make(request->id.bytes, ID_BYTES));
	if (attempt->chain.len > 0)
		delete_intent(t,
		    intent_mark(&request->id, attempt->number, INTENT_RECEIPT));
	if (attempt->number > 1)
		delete_intent(t, intent_mark(&request->id, attempt->number - 1,
				     INTENT_GOES_ON));
	if (slice_is(request->state, "open"))
		mark_goes_on(t, request, attempt->number);
}

void
ledger_refused(struct ledger_turn *t, const struct request_row *request)
{
	/* Refused by the thousand while the store fails: no memory for that. */
	if (ledger_full(t) && request->attempts == 0)
		return;
	ledger_put_row(t, ROW_REQUEST, request,
	    slice_make(request->id.bytes, ID_BYTES));
	if (request->attempts > 0 && request->attempts <= UINT8_MAX)
		delete_intent(t, intent_mark(&request->id, request->attempts,
				     INTENT_GOES_ON));
}

/* A peer's words: what no key can hold was never stored. */
static bool
is_stored(struct ledger *l, enum family f, const struct id *request,
    int64_t number, struct slice origin)
{
	struct attempt_key key;
	struct buf found;
	bool there;

	if (number < 0 || number > UINT8_MAX || origin.len > ORIGIN_MAX)
		return false;
	key = attempt_key_make(request, number, origin);
	buf_init(&found, ROW_BYTES_MAX);
	there = db_get(ledger_db(l), f, attempt_key_slice(&key), &found);
	buf_fini(&found);
	return there;
}

bool
ledger_knows(struct ledger *l, const struct id *request, int64_t number,
    struct slice origin)
{
	return is_stored(l, FAMILY_ATTEMPT, request, number, origin);
}

bool
intent_is_there(struct ledger *l, const struct id *request, int64_t number)
{
	return is_stored(l, FAMILY_INTENT, request, number,
	    slice_make(NULL, 0));
}
