#include "common/invoice/alias.h"

#include "common/base/buf.h"

static bool
is_digits(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

/* The length of "-2025-08-07", "-20251001" or "-latest" at its end; or 0. */
static size_t
tail_of(const char *name, size_t len)
{
	static const char latest[] = "-latest";
	const char *end = name + len;

	if (len > 11 && end[-11] == '-' && is_digits(end - 10, 4) &&
	    end[-6] == '-' && is_digits(end - 5, 2) && end[-3] == '-' &&
	    is_digits(end - 2, 2))
		return 11;
	if (len > 9 && end[-9] == '-' && is_digits(end - 8, 8))
		return 9;
	if (len > strlen(latest) &&
	    memcmp(end - strlen(latest), latest, strlen(latest)) == 0)
		return strlen(latest);
	return 0;
}

static void
fold(struct slice name, char folded[MODEL_BYTES])
{
	size_t i, len = min_size(name.len, MODEL_BYTES - 1);

	for (i = 0; i < len; i++) {
		char c = name.ptr[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if ((uint8_t)c < ' ') /* a NUL would end it */
			c = '?';
		folded[i] = (char)(memchr(" ._", c, 3) != NULL ? '-' : c);
	}
	folded[len - tail_of(folded, len)] = '\0';
}

bool
alias_add(struct aliases *a, struct slice text, struct buf *why)
{
	const char *sign = memchr(text.ptr, '=', text.len);
	size_t at = sign != NULL ? (size_t)(sign - text.ptr) : 0;

	if (at == 0 || at + 1 >= text.len) {
		buf_printf(why,
		    "--same is the invoice's name of a model, =, and ours: "
		    "\"GPT 5 mini=gpt-5-mini\", not '%.*s'\n",
		    SLICE_FMT(text));
		return false;
	}
	if (a->count == ALIAS_MAX) {
		buf_printf(why, "--same: at most %d\n", ALIAS_MAX);
		return false;
	}
	fold(slice_make(text.ptr, at), a->of[a->count].from);
	fold(slice_after(text, at + 1), a->of[a->count].to);
	a->count++;
	return true;
}

void
alias_fold(const struct aliases *a, struct slice name, char folded[MODEL_BYTES])
{
	size_t i;

	fold(name, folded);
	for (i = 0; i < a->count; i++)
		if (strcmp(folded, a->of[i].from) == 0) {
			memcpy(folded, a->of[i].to, MODEL_BYTES);
			return;
		}
}
