#include "common/member/page.h"

#include "common/base/buf.h"
#include "common/net/http.h"

#define ROOT "/admin/"

static const struct page_file files[] = {
#define PAGE_FILE(path, type, tag, text)                                       \
	{ path, type, "\"" tag "\"", text, sizeof(text) - 1 },
#include <page_files.inc>
#undef PAGE_FILE
};

/* What a browser has to keep to, whatever a page would ask of it. */
static const char *const guards[][2] = {
	{ "Content-Security-Policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; "
	    "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
	    "frame-ancestors 'none'; base-uri 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Permissions-Policy", "camera=(), geolocation=(), microphone=()" },
	/* Asked for anew each time, and sent only when the daemon is another:
	 * an upgrade never shows the pages of the one before. */
	{ "Cache-Control", "no-cache" },
};

const struct page_file *
page_find(struct slice path)
{
	size_t i;

	for (i = 0; i < count_of(files); i++)
		if (slice_is(path, files[i].path))
			return &files[i];
	return NULL;
}

static void
send_page(struct http_exchange *x, const struct page_file *file)
{
	struct http_field fields[count_of(guards) + 2];
	bool known = slice_is(http_header(x, "If-None-Match"), file->tag);
	struct buf body;
	size_t i;

	for (i = 0; i < count_of(guards); i++)
		fields[i] =
		    (struct http_field){ guards[i][0], slice_of(guards[i][1]) };
	fields[i++] = (struct http_field){ "ETag", slice_of(file->tag) };
	fields[i++] =
	    (struct http_field){ "Content-Type", slice_of(file->type) };
	buf_init(&body, file->size + 1);
	if (!known)
		buf_put(&body, file->text, file->size);
	http_answer(x, known ? 304 : 200, fields, i, &body);
	buf_fini(&body);
}

static void
send_on(struct http_exchange *x)
{
	const struct http_field to = { "Location", slice_of(ROOT) };
	struct buf body;

	buf_init(&body, 1);
	http_answer(x, 308, &to, 1, &body);
	buf_fini(&body);
}

bool
page_answer(struct http_exchange *x)
{
	struct slice path = http_path(x);
	const struct page_file *file;

	if (http_method(x) != HTTP_GET && http_method(x) != HTTP_HEAD)
		return false;
	if (slice_is(path, "/admin")) {
		send_on(x);
		return true;
	}
	file = slice_starts(path, ROOT)
		   ? page_find(slice_after(path, strlen(ROOT)))
		   : NULL;
	if (file != NULL)
		send_page(x, file);
	return file != NULL;
}
