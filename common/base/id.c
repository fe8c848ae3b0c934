#include "common/base/id.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"

#define TIME_BYTES 6

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

struct id
id_at(int64_t wall_us)
{
	uint64_t ms = (uint64_t)(max_i64(0, wall_us) / US_PER_MS);
	struct id id = { { 0 } };
	int i;

	for (i = TIME_BYTES - 1; i >= 0; i--, ms >>= 8)
		id.bytes[i] = (uint8_t)ms;
	return id;
}

/* Add one to the 80 low bits, carrying into the time if they are full. */
static void
increment(struct id *id)
{
	int i;

	for (i = ID_BYTES - 1; i >= 0; i--)
		if (++id->bytes[i] != 0)
			return;
}

struct id
id_next(struct id_source *source, int64_t wall_us)
{
	struct id next = id_at(wall_us);

	if (memcmp(next.bytes, source->last.bytes, TIME_BYTES) <= 0) {
		next = source->last;
		increment(&next);
	} else {
		crypto_random(next.bytes + TIME_BYTES, ID_BYTES - TIME_BYTES);
	}
	source->last = next;
	return next;
}

int64_t
id_time_ms(const struct id *id)
{
	int64_t ms = 0;
	int i;

	for (i = 0; i < TIME_BYTES; i++)
		ms = ms << 8 | id->bytes[i];
	return ms;
}

/* 26 digits of 5 bits hold 130: the first digit has only 3 of the id. */
void
id_write(const struct id *id, char text[ID_TEXT_BYTES])
{
	unsigned __int128 value = 0;
	int i;

	for (i = 0; i < ID_BYTES; i++)
		value = value << 8 | id->bytes[i];
	for (i = ID_TEXT_BYTES - 2; i >= 0; i--, value >>= 5)
		text[i] = digits[(unsigned)value & 31];
	text[ID_TEXT_BYTES - 1] = '\0';
}

static int
digit_value(char c)
{
	const char *at;

	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	at = c != '\0' ? strchr(digits, c) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

bool
id_parse(struct id *id, struct slice text)
{
	unsigned __int128 value = 0;
	size_t i;
	int digit;

	if (text.len != ID_TEXT_BYTES - 1)
		return false;
	for (i = 0; i < text.len; i++) {
		digit = digit_value(text.ptr[i]);
		if (digit < 0 || (i == 0 && digit > 7))
			return false;
		value = value << 5 | (unsigned)digit;
	}
	for (i = ID_BYTES; i-- > 0; value >>= 8)
		id->bytes[i] = (uint8_t)value;
	return true;
}
