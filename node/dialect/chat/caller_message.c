#include "common/format/json.h"
#include "node/dialect/chat/chat.h"
#include "node/dialect/reading.h"

static bool
take_image(struct reading *r, struct part *p, const struct json_value *v)
{
	const struct json_value *image = json_find(v, "image_url");
	struct slice url = image != NULL && image->type == JSON_STRING
			       ? image->raw
			       : raw_of(image, "url");

	p->detail = raw_of(image, "detail");
	if (p->detail.len > 0 && !raw_is(p->detail, "auto"))
		carry_note(&r->turn->carried, CARRY_IMAGE_DETAIL);
	return turn_take_url(r->turn, p, url) ||
	       reading_wrong(r, "image_url.url",
		   "must be an http(s) or a base64 data URL");
}

static bool
take_file(struct reading *r, struct part *p, const struct json_value *v)
{
	const struct json_value *file = json_find(v, "file");
	struct slice data = raw_of(file, "file_data");

	p->title = raw_of(file, "filename");
	if (raw_of(file, "file_id").len > 0) {
		carry_note(&r->turn->carried, CARRY_FILE_IDS);
		return true;
	}
	carry_note(&r->turn->carried, CARRY_DOCUMENTS);
	return (turn_take_url(r->turn, p, data) && p->data.len > 0) ||
	       reading_wrong(r, "file.file_data", "must be a base64 data URL");
}

static struct part *
part_in(struct reading *r, struct message *m, struct part *result,
    enum part_kind kind)
{
	return result != NULL ? turn_result_part(r->turn, result, kind)
			      : turn_part(r->turn, m, kind);
}

/* The part, or NULL of an empty text. */
static struct part *
take_text(struct reading *r, struct message *m, struct part *result,
    const struct json_value *text)
{
	struct part *p;

	if (text == NULL || text->type != JSON_STRING || text->raw.len <= 2)
		return NULL;
	p = part_in(r, m, result, PART_TEXT);
	p->text = text->raw;
	return p;
}

/* OpenAI's word for it, or the one that gateways take for others. */
static struct slice
mark_of(struct reading *r, const struct json_value *v)
{
	struct slice mark = raw_of(v, "prompt_cache_breakpoint");

	if (mark.len == 0)
		mark = raw_of(v, "cache_control");
	if (mark.len > 0)
		carry_note(&r->turn->carried, CARRY_CACHE_MARKS);
	return mark;
}

static bool
take_part(struct reading *r, struct message *m, struct part *result,
    const struct json_value *v)
{
	const struct json_value *type = json_find(v, "type");
	struct slice mark = mark_of(r, v);
	struct part *p = NULL;
	bool right = true;

	if (value_is(type, "text")) {
		p = take_text(r, m, result, json_find(v, "text"));
	} else if (value_is(type, "refusal")) {
		carry_note(&r->turn->carried, CARRY_REFUSALS);
		p = part_in(r, m, result, PART_REFUSAL);
		p->text = raw_of(v, "refusal");
	} else if (value_is(type, "image_url")) {
		p = part_in(r, m, result, PART_IMAGE);
		right = take_image(r, p, v);
	} else if (value_is(type, "file")) {
		p = part_in(r, m, result, PART_FILE);
		right = take_file(r, p, v);
	} else if (value_is(type, "input_audio")) {
		carry_note(&r->turn->carried, CARRY_AUDIO);
	} else {
		carry_note(&r->turn->carried, CARRY_UNKNOWN_ITEMS);
	}
	if (p != NULL)
		p->cache = mark;
	return right;
}

/* A string, parts, or null: of a message, or of a tool's result. */
static bool
take_content(struct reading *r, struct message *m, struct part *result,
    const struct json_value *content)
{
	const struct json_value *v;

	if (content == NULL || content->type == JSON_NULL)
		return true;
	if (content->type == JSON_STRING) {
		(void)take_text(r, m, result, content);
		return true;
	}
	if (content->type != JSON_ARRAY)
		return reading_wrong(r, "content",
		    "must be a string or an array of parts");
	for (v = reading_first(r, "content", content); v != NULL;
	     v = reading_next(r, v))
		if (!take_part(r, m, result, v))
			return false;
	return true;
}

#define CALL_FIELDS "id type index function custom"
#define MESSAGE_FIELDS                                                         \
	"role content name refusal audio annotations tool_calls tool_call_id " \
	"function_call reasoning_content reasoning reasoning_details"

static bool
take_call(struct reading *r, struct message *m, const struct json_value *call)
{
	bool custom = value_is(json_find(call, "type"), "custom");
	const struct json_value *f =
	    json_find(call, custom ? "custom" : "function");
	struct part *p = turn_part(r->turn, m, PART_CALL);

	p->id = raw_of(call, "id");
	p->name = raw_of(f, "name");
	p->custom = custom;
	p->arguments = raw_of(f, custom ? "input" : "arguments");
	if (custom)
		carry_note(&r->turn->carried, CARRY_CUSTOM_TOOLS);
	if (reading_has_others(call, CALL_FIELDS))
		carry_note(&r->turn->carried, CARRY_ITEM_FIELDS);
	if (raw_inside(p->name).len == 0 || raw_inside(p->id).len == 0)
		return reading_wrong(r, NULL, "must have an id and a name");
	if (p->arguments.len > 0 && p->arguments.ptr[0] != '"')
		return reading_wrong(r,
		    custom ? "custom.input" : "function.arguments",
		    "must be a string");
	if (p->arguments.len == 0)
		p->arguments = slice_of("\"\"");
	return true;
}

/* The older way to call: one function, known by its name alone. */
static void
take_legacy_call(struct reading *r, struct message *m,
    const struct json_value *call)
{
	struct part *p = turn_part(r->turn, m, PART_CALL);

	carry_note(&r->turn->carried, CARRY_LEGACY_FUNCTIONS);
	p->name = p->id = raw_of(call, "name");
	p->arguments = raw_of(call, "arguments");
}

static bool
take_calls(struct reading *r, struct message *m, const struct json_value *v)
{
	const struct json_value *calls = json_find(v, "tool_calls"), *call;

	if (json_find(json_find(v, "function_call"), "name") != NULL)
		take_legacy_call(r, m, json_find(v, "function_call"));
	if (calls == NULL || calls->type == JSON_NULL)
		return true;
	if (calls->type != JSON_ARRAY)
		return reading_wrong(r, "tool_calls", "must be an array");
	for (call = reading_first(r, "tool_calls", calls); call != NULL;
	     call = reading_next(r, call))
		if (!take_call(r, m, call))
			return false;
	return true;
}

/* Servers' extensions: their reasoning, given back as text. */
static void
take_thoughts(struct reading *r, struct message *m, const struct json_value *v)
{
	struct slice text = raw_of(v, "reasoning_content");
	struct part *p;

	if (text.len == 0)
		text = raw_of(v, "reasoning");
	if (text.len > 0 || raw_of(v, "reasoning_details").len > 0)
		carry_note(&r->turn->carried, CARRY_THOUGHTS);
	if (text.len <= 2 || text.ptr[0] != '"')
		return;
	p = turn_part(r->turn, m, PART_THINKING);
	p->text = text;
}

static bool
take_assistant(struct reading *r, const struct json_value *v)
{
	struct message *m = turn_message(r->turn, TURN_ASSISTANT);
	const struct json_value *cites = json_find(v, "annotations");
	struct slice refusal = raw_of(v, "refusal");

	m->name = raw_of(v, "name");
	take_thoughts(r, m, v);
	if (!take_content(r, m, NULL, json_find(v, "content")))
		return false;
	if (refusal.len > 0) {
		carry_note(&r->turn->carried, CARRY_REFUSALS);
		turn_part(r->turn, m, PART_REFUSAL)->text = refusal;
	}
	if (raw_of(v, "audio").len > 0)
		carry_note(&r->turn->carried, CARRY_AUDIO);
	if (cites != NULL && cites->count > 0)
		carry_note(&r->turn->carried, CARRY_DOCUMENT_CITATIONS);
	return take_calls(r, m, v);
}

static bool
take_result(struct reading *r, const struct json_value *v, const char *id)
{
	struct part *p = turn_part(r->turn, turn_results(r->turn), PART_RESULT);

	p->id = raw_of(v, id);
	if (raw_inside(p->id).len == 0)
		return reading_wrong(r, id, "must be a string, not empty");
	return take_content(r, NULL, p, json_find(v, "content"));
}

static bool
take_message(struct reading *r, const struct json_value *v)
{
	static const struct {
		const char *name;
		enum turn_role role;
	} roles[] = { { "system", TURN_SYSTEM },
		{ "developer", TURN_DEVELOPER }, { "user", TURN_USER } };
	const struct json_value *role = json_find(v, "role");
	struct message *m;
	size_t i;

	if (raw_of(v, "name").len > 0 && !value_is(role, "function"))
		carry_note(&r->turn->carried, CARRY_MESSAGE_NAMES);
	if (reading_has_others(v, MESSAGE_FIELDS))
		carry_note(&r->turn->carried, CARRY_ITEM_FIELDS);
	if (value_is(role, "assistant"))
		return take_assistant(r, v);
	if (value_is(role, "tool"))
		return take_result(r, v, "tool_call_id");
	if (value_is(role, "function"))
		return take_result(r, v, "name");
	for (i = 0; i < count_of(roles); i++) {
		if (!value_is(role, roles[i].name))
			continue;
		m = turn_message(r->turn, roles[i].role);
		m->name = raw_of(v, "name");
		return take_content(r, m, NULL, json_find(v, "content"));
	}
	return reading_wrong(r, "role",
	    "must be system, developer, user, assistant or tool");
}

bool
chat_read_messages(struct reading *r, const struct json_value *v)
{
	const struct json_value *message;

	for (message = reading_first(r, "messages", v); message != NULL;
	     message = reading_next(r, message))
		if (!take_message(r, message))
			return false;
	return true;
}
