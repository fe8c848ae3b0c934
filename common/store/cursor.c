#include "common/store/cursor.h"

#include <stdio.h>

#include "common/base/crypto.h"

#define PREFIX       "sealed-"
#define PREFIX_CHARS (sizeof(PREFIX) - 1)
#define PLAIN_BYTES  (1 + SEARCH_KEY_MAX) /* its length, then the key */
#define BYTES        (PLAIN_BYTES + SEALED_EXTRA)

_Static_assert(PREFIX_CHARS + 2 * BYTES < CURSOR_CHARS, "it has room");
_Static_assert(SEARCH_KEY_CHARS <= CURSOR_CHARS, "one in the clear, too");
_Static_assert(SEARCH_KEY_MAX <= UINT8_MAX, "its length is a byte");

void
cursor_write(const struct secret *seal, const struct search_key *key,
    char text[CURSOR_CHARS])
{
	uint8_t plain[PLAIN_BYTES] = { (uint8_t)key->len }, sealed[BYTES];

	if (seal == NULL) {
		search_key_write(key, text);
		return;
	}
	memcpy(plain + 1, key->bytes, key->len);
	crypto_seal(sealed, seal, slice_make(plain, sizeof(plain)));
	memcpy(text, PREFIX, PREFIX_CHARS);
	hex_write(text + PREFIX_CHARS, sealed, sizeof(sealed));
}

bool
cursor_sealed(struct slice text)
{
	return slice_starts(text, PREFIX);
}

bool
cursor_open(const struct secret *seal, struct slice text,
    char clear[SEARCH_KEY_CHARS])
{
	uint8_t plain[PLAIN_BYTES], sealed[BYTES];
	struct search_key key;

	if (!cursor_sealed(text) ||
	    !hex_parse(sealed, sizeof(sealed),
		slice_after(text, PREFIX_CHARS)) ||
	    !crypto_unseal_into(plain, seal,
		slice_make(sealed, sizeof(sealed))) ||
	    plain[0] > SEARCH_KEY_MAX)
		return false;
	key.len = plain[0];
	memcpy(key.bytes, plain + 1, key.len);
	search_key_write(&key, clear);
	return true;
}
