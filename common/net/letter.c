#include "common/net/letter.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/net/upstream.h"

/* The auth field and two omissions come on top of the caller's fields. */
#define FIELDS_MAX (LETTER_LINES_MAX - 3)
#define OMISSIONS  64 /* bytes, ample */

/* Fields that decide framing, coding or the connection. */
static bool
is_ours(const char *name)
{
	static const char *const names[] = { "Host", "Content-Length",
		"Transfer-Encoding", "Connection", "Keep-Alive", "Expect", "TE",
		"Trailer", "Upgrade", "Accept-Encoding", "Proxy-Authorization",
		"Proxy-Connection" };
	size_t i;

	for (i = 0; i < count_of(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool
is_name(const char *name)
{
	size_t len =
	    strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return len > 0 && name[len] == '\0' && !is_ours(name);
}

static bool
is_value(struct slice value)
{
	size_t i;

	for (i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool
is_sound(const struct transfer_request *r)
{
	size_t i;

	for (i = 0; i < r->fields_count; i++) {
		const struct http_field *f = &r->fields[i];

		if (!is_name(f->name) || !is_value(f->value))
			return false;
		if (r->key != NULL && strcasecmp(f->name, r->auth_field) == 0)
			return false;
	}
	return r->fields_count <= FIELDS_MAX &&
	       (r->key == NULL || (is_name(r->auth_field) &&
				      is_value(slice_of(r->auth_prefix)) &&
				      is_value(secret_view(r->key))));
}

static char *
put(char *at, struct slice text)
{
	if (text.len > 0)
		memcpy(at, text.ptr, text.len);
	return at + text.len;
}

static char *
put_line(struct letter *l, char *at, const char *name, struct slice prefix,
    struct slice value)
{
	assert(l->line_count < LETTER_LINES_MAX);
	l->lines[l->line_count++] = at;
	at = put(at, slice_of(name));
	at = put(at, slice_of(prefix.len + value.len == 0 ? ";" : ": "));
	at = put(at, prefix);
	at = put(at, value);
	*at++ = '\0';
	return at;
}

static char *
put_omission(struct letter *l, char *at, const char *name)
{
	at = put_line(l, at, name, slice_of(""), slice_of(""));
	at[-2] = ':';
	return at;
}

static char *
put_lines(struct letter *l, char *at, const struct transfer_request *r)
{
	bool typed = false;
	size_t i;

	for (i = 0; i < r->fields_count; i++) {
		at = put_line(l, at, r->fields[i].name, slice_of(""),
		    r->fields[i].value);
		typed |= strcasecmp(r->fields[i].name, "Content-Type") == 0;
	}
	if (r->key != NULL)
		at = put_line(l, at, r->auth_field, slice_of(r->auth_prefix),
		    secret_view(r->key));
	/* Else a body of over 1 MB waits for a 100 Continue. */
	at = put_omission(l, at, "Expect");
	return typed ? at : put_omission(l, at, "Content-Type");
}

static size_t
line_bytes(const struct transfer_request *r)
{
	size_t bytes = OMISSIONS, i;

	for (i = 0; i < r->fields_count; i++)
		bytes += strlen(r->fields[i].name) + r->fields[i].value.len + 3;
	if (r->key != NULL)
		bytes += strlen(r->auth_field) + strlen(r->auth_prefix) +
			 secret_view(r->key).len + 3;
	return bytes;
}

bool
letter_init(struct letter *l, const struct transfer_request *r)
{
	size_t slices = r->body_count * sizeof(struct slice), i;
	bool joined;
	char *at;

	l->line_count = l->body_bytes = l->piece = l->piece_at = 0;
	l->block = NULL;
	if (!is_sound(r))
		return false;
	for (i = 0; i < r->body_count; i++)
		l->body_bytes += r->body[i].len;
	joined = r->body_count > 1 && l->body_bytes <= LETTER_JOIN_BYTES;
	l->secret_bytes = slices + line_bytes(r);
	l->block = xmalloc(l->secret_bytes + (joined ? l->body_bytes : 0));
	l->pieces = l->block;
	l->piece_count = r->body_count;
	at = put_lines(l, (char *)l->block + slices, r);
	assert(at <= (char *)l->block + l->secret_bytes);
	for (i = 0; i < r->body_count; i++)
		l->pieces[i] = r->body[i];
	if (!joined)
		return true;
	at = (char *)l->block + l->secret_bytes;
	l->pieces[0] = slice_make(at, l->body_bytes);
	l->piece_count = 1;
	for (i = 0; i < r->body_count; i++)
		at = put(at, r->body[i]);
	return true;
}

void
letter_fini(struct letter *l)
{
	if (l->block != NULL)
		crypto_wipe(l->block, l->secret_bytes);
	free(l->block);
	l->block = NULL;
}

size_t
letter_read(struct letter *l, char *to, size_t room)
{
	size_t done = 0, n;

	while (done < room && l->piece < l->piece_count) {
		struct slice rest =
		    slice_after(l->pieces[l->piece], l->piece_at);

		n = min_size(room - done, rest.len);
		put(to + done, slice_make(rest.ptr, n));
		done += n;
		l->piece_at += n;
		if (n == rest.len) {
			l->piece++;
			l->piece_at = 0;
		}
	}
	return done;
}
