#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

#define SEARCH_TEXT_MAX (4u << 20)

static void
note_media(struct reading *r)
{
	if (messages_of(r)->result != NULL)
		carry_note(&r->turn->carried, CARRY_RESULT_MEDIA);
}

/* What images and documents have alike: base64, a URL, or a file's id. */
static bool
read_source(struct reading *r, struct part *p, const struct json_value *source)
{
	const struct json_value *v = json_find(source, "type");

	if (value_is(v, "file")) {
		carry_note(&r->turn->carried, CARRY_FILE_IDS);
		return true;
	}
	if (value_is(v, "url")) {
		p->url = raw_of(source, "url");
		return raw_inside(p->url).len > 0 ||
		       reading_wrong(r, "source.url", "must be a string");
	}
	if (!value_is(v, "base64")) {
		carry_note(&r->turn->carried, CARRY_UNKNOWN_ITEMS);
		return true;
	}
	p->data = inside_of(json_find(source, "data"));
	if (!json_text(json_find(source, "media_type"), r->turn->arena,
		&p->media_type) ||
	    p->media_type.len == 0)
		return reading_wrong(r, "source.media_type",
		    "must be a string");
	return p->data.len > 0 ||
	       reading_wrong(r, "source.data", "must be a string of base64");
}

bool
messages_read_image(struct reading *r, const struct json_value *block)
{
	const struct json_value *source = json_find(block, "source");
	struct part *p;

	if (!is_object(source))
		return reading_wrong(r, "source", "must be an object");
	p = messages_add(r, PART_IMAGE);
	p->cache = messages_cache_mark(r, block);
	note_media(r);
	return read_source(r, p, source);
}

/* A document made of blocks is its blocks. */
static bool
read_content_source(struct reading *r, const struct json_value *source)
{
	const struct json_value *v = json_find(source, "content");

	if (is_text(v)) {
		messages_add_text(r, v->raw, slice_make(NULL, 0));
		return true;
	}
	if (v == NULL || v->type != JSON_ARRAY)
		return reading_wrong(r, "source.content",
		    "must be a string or an array");
	return messages_read_blocks(r, v, "source.content", MESSAGES_ALL);
}

static bool
read_file(struct reading *r, const struct json_value *block,
    const struct json_value *source)
{
	const struct json_value *type = json_find(source, "type");
	struct part *p = messages_add(r, PART_FILE);

	p->cache = messages_cache_mark(r, block);
	p->title = raw_of(block, "title");
	if (value_is(type, "url"))
		carry_note(&r->turn->carried, CARRY_DOCUMENT_URLS);
	if (!value_is(type, "text"))
		return read_source(r, p, source);
	p->text = raw_of(source, "data");
	p->media_type = slice_of("text/plain");
	return is_text(json_find(source, "data")) ||
	       reading_wrong(r, "source.data", "must be a string");
}

bool
messages_read_document(struct reading *r, const struct json_value *block)
{
	const struct json_value *source = json_find(block, "source");
	const struct json_value *cites =
	    json_find(json_find(block, "citations"), "enabled");
	const struct json_value *title = json_find(block, "title");
	bool content = value_is(json_find(source, "type"), "content");

	if (!is_object(source))
		return reading_wrong(r, "source", "must be an object");
	if (title != NULL && title->type != JSON_NULL && !is_text(title))
		return reading_wrong(r, "title", "must be a string");
	carry_note(&r->turn->carried, CARRY_DOCUMENTS);
	note_media(r);
	if (cites != NULL && cites->type == JSON_TRUE)
		carry_note(&r->turn->carried, CARRY_DOCUMENT_CITATIONS);
	if (raw_of(block, "context").len > 0 || (content && is_text(title)))
		carry_note(&r->turn->carried, CARRY_DOCUMENT_CONTEXT);
	return content ? read_content_source(r, source)
		       : read_file(r, block, source);
}

/* Title, source and texts, as one text. */
bool
messages_read_search_result(struct reading *r, const struct json_value *block)
{
	const struct json_value *v = json_find(block, "content"), *piece;
	struct buf b;

	if (!is_text(json_find(block, "title")) ||
	    !is_text(json_find(block, "source")) || v == NULL ||
	    v->type != JSON_ARRAY)
		return reading_wrong(r, "search_result",
		    "must have source, title and content");
	carry_note(&r->turn->carried, CARRY_SEARCH_RESULTS);
	piece = json_find(json_find(block, "citations"), "enabled");
	if (piece != NULL && piece->type == JSON_TRUE)
		carry_note(&r->turn->carried, CARRY_DOCUMENT_CITATIONS);
	buf_init(&b, SEARCH_TEXT_MAX);
	buf_putc(&b, '"');
	buf_put_slice(&b, inside_of(json_find(block, "title")));
	buf_puts(&b, "\\n");
	buf_put_slice(&b, inside_of(json_find(block, "source")));
	for (piece = v->first; piece != NULL; piece = piece->next) {
		buf_puts(&b, "\\n\\n");
		buf_put_slice(&b, inside_of(json_find(piece, "text")));
	}
	buf_putc(&b, '"');
	if (b.failed || !arena_fits(r->turn->arena, b.len + 1)) {
		buf_fini(&b);
		return reading_wrong(r, "search_result", "is too large");
	}
	messages_add_text(r, arena_copy(r->turn->arena, buf_slice(&b)),
	    messages_cache_mark(r, block));
	buf_fini(&b);
	return true;
}
