#include "common/llm/mask.h"

#include "common/base/buf.h"

#define KEY_MIN   12 /* characters of a word that begins like a key */
#define HEX_MIN   32
#define MIXED_MIN 24

static const char *const key_starts[] = { "sk-", "sk_", "pk-", "rk-", "gsr_",
	"gsk_", "xai-", "hf_", "r8_", "key-", "AIza", "AKIA", "eyJ", "ghp_" };

/* Ids that people need when they ask the provider. */
static const char *const id_starts[] = { "req_", "chatcmpl-", "resp_", "msg_",
	"call_", "gen-" };

static bool
starts_with_any(struct slice word, const char *const *starts, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_starts(word, starts[i]))
			return true;
	return false;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* What keys are made of, and the stars of those shown in part. */
static bool
is_word_char(char c)
{
	return is_digit(c) || is_lower(c) || is_upper(c) ||
	       (c != '\0' && strchr("_-+=*.", c) != NULL);
}

static bool
is_hex(struct slice word)
{
	size_t i, numbers = 0;

	for (i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'f') &&
		    !(c >= 'A' && c <= 'F'))
			return false;
		numbers += is_digit(c);
	}
	return numbers > 0 && numbers < word.len;
}

/* Names of models are long and mixed too, but hyphens and dots break them. */
static bool
has_mixed_run(struct slice word)
{
	size_t i, run = 0;
	unsigned kinds = 0;

	for (i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (c == '-' || c == '.' || c == '*') {
			run = kinds = 0;
			continue;
		}
		kinds |= is_digit(c)   ? 1
			 : is_lower(c) ? 2
			 : is_upper(c) ? 4
				       : 0;
		if (++run >= MIXED_MIN && kinds == 7)
			return true;
	}
	return false;
}

static bool
looks_like_key(struct slice word)
{
	if (word.len < KEY_MIN)
		return false;
	if (starts_with_any(word, key_starts, count_of(key_starts)))
		return true;
	if (starts_with_any(word, id_starts, count_of(id_starts)))
		return false;
	return (word.len >= HEX_MIN && is_hex(word)) || has_mixed_run(word);
}

static void
put_words(struct buf *out, struct slice text)
{
	size_t at = 0, from;
	struct slice run;

	while (at < text.len) {
		for (from = at; at < text.len && !is_word_char(text.ptr[at]);)
			at++;
		buf_put(out, text.ptr + from, at - from);
		for (from = at; at < text.len && is_word_char(text.ptr[at]);)
			at++;
		run = slice_make(text.ptr + from, at - from);
		if (looks_like_key(run))
			buf_puts(out, MASK);
		else
			buf_put_slice(out, run);
	}
}

void
mask_put(struct buf *out, struct slice text, struct slice secret)
{
	const char *found;

	while (secret.len > 0 && text.len > 0 &&
	       (found = memmem(text.ptr, text.len, secret.ptr, secret.len)) !=
		   NULL) {
		put_words(out,
		    slice_make(text.ptr, (size_t)(found - text.ptr)));
		buf_puts(out, MASK);
		text =
		    slice_after(text, (size_t)(found - text.ptr) + secret.len);
	}
	put_words(out, text);
}

void
mask_over(uint8_t *bytes, size_t len, struct slice secret)
{
	uint8_t *at, *end = bytes + len;

	while (secret.len > 0 && (at = memmem(bytes, (size_t)(end - bytes),
				      secret.ptr, secret.len)) != NULL) {
		memset(at, '*', secret.len);
		bytes = at + secret.len;
	}
}

bool
mask_wanted(struct slice bytes, struct slice secret)
{
	return secret.len > 0 && bytes.len > 0 &&
	       memmem(bytes.ptr, bytes.len, secret.ptr, secret.len) != NULL;
}
