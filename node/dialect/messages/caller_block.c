#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

/* Where a block may stand. */
enum { BY_USER = 1, BY_ASSISTANT = 2, BY_SYSTEM = 4, IN_RESULT = 8 };

static unsigned
standing(const struct messages_reading *m)
{
	if (m->result != NULL)
		return IN_RESULT;
	if (m->role == TURN_ASSISTANT)
		return BY_ASSISTANT;
	return m->role == TURN_USER ? BY_USER : BY_SYSTEM;
}

struct part *
messages_add(struct reading *r, enum part_kind kind)
{
	struct messages_reading *m = messages_of(r);

	if (m->result != NULL)
		return turn_result_part(r->turn, m->result, kind);
	if (m->message == NULL)
		m->message = m->role == TURN_ASSISTANT
				 ? turn_go_on(r->turn, m->role)
				 : turn_message(r->turn, m->role);
	return turn_part(r->turn, m->message, kind);
}

/* Empty texts are nothing: no API takes them. */
void
messages_add_text(struct reading *r, struct slice raw, struct slice cache)
{
	struct part *p;

	if (raw_inside(raw).len == 0)
		return;
	p = messages_add(r, PART_TEXT);
	p->text = raw;
	p->cache = cache;
}

static bool
read_text(struct reading *r, const struct json_value *block)
{
	const struct json_value *text = json_find(block, "text");
	const struct json_value *citations = json_find(block, "citations");

	if (!is_text(text))
		return reading_wrong(r, "text", "must be a string");
	if (citations != NULL && citations->count > 0)
		carry_note(&r->turn->carried, CARRY_DOCUMENT_CITATIONS);
	messages_add_text(r, text->raw, messages_cache_mark(r, block));
	return true;
}

static bool
read_reference(struct reading *r, const struct json_value *block)
{
	const struct json_value *name = json_find(block, "tool_name");

	if (!is_text(name))
		return reading_wrong(r, "tool_name", "must be a string");
	carry_note(&r->turn->carried, CARRY_TOOL_REFERENCE);
	messages_add_text(r,
	    slice_of(arena_printf(r->turn->arena, "\"Loaded tool: %.*s\"",
		SLICE_FMT(inside_of(name)))),
	    messages_cache_mark(r, block));
	return true;
}

static bool
read_thinking(struct reading *r, const struct json_value *block)
{
	const struct json_value *text = json_find(block, "thinking");
	const struct json_value *blob = json_find(block, "signature");
	struct part *p;

	if (!is_text(text))
		return reading_wrong(r, "thinking", "must be a string");
	carry_note(&r->turn->carried, CARRY_THOUGHTS);
	if (inside_of(text).len == 0 && inside_of(blob).len == 0)
		return true;
	p = messages_add(r, PART_THINKING);
	p->text = text->raw;
	if (inside_of(blob).len > 0) {
		p->blob_kind = BLOB_SIGNATURE;
		p->blob = blob->raw;
	}
	return true;
}

static bool
read_redacted(struct reading *r, const struct json_value *block)
{
	const struct json_value *blob = json_find(block, "data");
	struct part *p;

	if (!is_text(blob))
		return reading_wrong(r, "data", "must be a string");
	carry_note(&r->turn->carried, CARRY_THOUGHTS);
	p = messages_add(r, PART_THINKING);
	p->blob_kind = BLOB_REDACTED;
	p->blob = blob->raw;
	return true;
}

static bool
read_call(struct reading *r, const struct json_value *block)
{
	const struct json_value *id = json_find(block, "id");
	const struct json_value *name = json_find(block, "name");
	const struct json_value *input = json_find(block, "input");
	const struct json_value *by = json_find(block, "caller");
	struct part *p;

	if (!is_text(id) || !is_text(name) || inside_of(name).len == 0)
		return reading_wrong(r, "id and name", "must be strings");
	if (!is_object(input))
		return reading_wrong(r, "input", "must be an object");
	if (is_object(by) && !value_is(json_find(by, "type"), "direct"))
		carry_note(&r->turn->carried, CARRY_HOSTED_TOOLS);
	p = messages_add(r, PART_CALL);
	p->id = id->raw;
	p->name = name->raw;
	p->input = input->raw;
	p->cache = messages_cache_mark(r, block);
	return true;
}

static bool
read_result_content(struct reading *r, struct part *p,
    const struct json_value *v)
{
	struct messages_reading *m = messages_of(r);
	bool good = true;

	m->result = p;
	if (is_text(v))
		messages_add_text(r, v->raw, slice_make(NULL, 0));
	else if (v != NULL && v->type == JSON_ARRAY)
		good = messages_read_blocks(r, v, "content", MESSAGES_ALL);
	else if (v != NULL && v->type != JSON_NULL)
		good =
		    reading_wrong(r, "content", "must be a string or an array");
	m->result = NULL;
	return good;
}

static bool
read_result(struct reading *r, const struct json_value *block)
{
	const struct json_value *id = json_find(block, "tool_use_id");
	const struct json_value *failed = json_find(block, "is_error");
	struct messages_reading *m = messages_of(r);
	struct part *p;

	if (!is_text(id))
		return reading_wrong(r, "tool_use_id", "must be a string");
	m->message = turn_results(r->turn);
	p = turn_part(r->turn, m->message, PART_RESULT);
	p->id = id->raw;
	p->cache = messages_cache_mark(r, block);
	p->failed = failed != NULL && failed->type == JSON_TRUE;
	if (p->failed)
		carry_note(&r->turn->carried, CARRY_TOOL_ERROR);
	return read_result_content(r, p, json_find(block, "content"));
}

/* What other targets never ran; a search for tools finds what is listed. */
static bool
read_hosted(struct reading *r, const struct json_value *block)
{
	struct slice type = inside_of(json_find(block, "type"));
	struct slice name = inside_of(json_find(block, "name"));
	bool search = slice_starts(type, "tool_search_") ||
		      slice_starts(name, "tool_search_");

	carry_note(&r->turn->carried,
	    search ? CARRY_TOOL_REFERENCE : CARRY_HOSTED_TOOLS);
	return true;
}

static bool
read_compaction(struct reading *r, const struct json_value *block)
{
	(void)block;
	carry_note(&r->turn->carried, CARRY_COMPACTION);
	return true;
}

static bool
read_upload(struct reading *r, const struct json_value *block)
{
	(void)block;
	carry_note(&r->turn->carried, CARRY_FILE_IDS);
	return true;
}

/* `known` NULL: nobody asks what is in it. */
static const struct row {
	const char *type;
	unsigned where;
	bool (*read)(struct reading *r, const struct json_value *block);
	const char *known;
} rows[] = {
	{ "text", BY_USER | BY_ASSISTANT | BY_SYSTEM | IN_RESULT, read_text,
	    "type text cache_control citations" },
	{ "image", BY_USER | IN_RESULT, messages_read_image,
	    "type source cache_control" },
	{ "document", BY_USER | IN_RESULT, messages_read_document,
	    "type source title context citations cache_control" },
	{ "search_result", BY_USER | IN_RESULT, messages_read_search_result,
	    "type source title content citations cache_control" },
	{ "tool_reference", BY_USER | IN_RESULT, read_reference,
	    "type tool_name cache_control" },
	{ "thinking", BY_ASSISTANT, read_thinking, "type thinking signature" },
	{ "redacted_thinking", BY_ASSISTANT, read_redacted, "type data" },
	{ "tool_use", BY_ASSISTANT, read_call,
	    "type id name input caller cache_control" },
	{ "tool_result", BY_USER, read_result,
	    "type tool_use_id content is_error cache_control" },
	{ "server_tool_use", BY_ASSISTANT, read_hosted, NULL },
	{ "mcp_tool_use", BY_ASSISTANT, read_hosted, NULL },
	{ "compaction", BY_USER | BY_ASSISTANT, read_compaction, NULL },
	{ "container_upload", BY_USER, read_upload, NULL },
};

#define RESULT_SUFFIX "_tool_result"

static const struct row *
row_of(struct slice type)
{
	static const struct row hosted = { RESULT_SUFFIX,
		BY_USER | BY_ASSISTANT | IN_RESULT, read_hosted, NULL };
	size_t i, suffix = sizeof(RESULT_SUFFIX) - 1;

	for (i = 0; i < count_of(rows); i++)
		if (slice_is(type, rows[i].type))
			return &rows[i];
	if (type.len > suffix &&
	    slice_is(slice_after(type, type.len - suffix), RESULT_SUFFIX))
		return &hosted;
	return NULL;
}

static bool
read_block(struct reading *r, const struct json_value *block, unsigned pass)
{
	const struct json_value *type = json_find(block, "type");
	const struct row *row;

	if (!is_object(block))
		return reading_wrong(r, NULL, "must be an object");
	if (!is_text(type))
		return reading_wrong(r, "type", "must be a string");
	if ((value_is(type, "tool_result") ? MESSAGES_RESULTS & pass
					   : MESSAGES_OTHERS & pass) == 0)
		return true;
	row = row_of(inside_of(type));
	if (row == NULL) {
		carry_note(&r->turn->carried, CARRY_UNKNOWN_ITEMS);
		return true;
	}
	if ((row->where & standing(messages_of(r))) == 0)
		return reading_wrong(r, "type", "cannot stand here");
	if (row->known != NULL)
		reading_note_others(r, block, row->known);
	return row->read(r, block);
}

bool
messages_read_blocks(struct reading *r, const struct json_value *list,
    const char *name, unsigned pass)
{
	const struct json_value *block;

	if (r->depth == READING_DEPTH_MAX)
		return reading_wrong(r, "content", "is nested too deeply");
	for (block = reading_first(r, name, list); block != NULL;
	     block = reading_next(r, block))
		if (!read_block(r, block, pass))
			return false;
	return true;
}
