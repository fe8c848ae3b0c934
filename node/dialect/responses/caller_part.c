/*
 * The parts of messages and of calls' results: texts, refusals, images,
 * files.  A message is made with its first part, so that one without any is
 * left out.
 */
#include "common/format/json.h"
#include "node/dialect/responses/asking.h"

struct pouring {
	struct reading *r;
	enum turn_role role;
	struct slice phase;
	struct message *m;   /* NULL until there is a part */
	struct part *result; /* or into this */
};

/* An assistant's items in a row are one message; what a user says behind
 * results is in theirs. */
static struct message *
message(struct turn *t, enum turn_role role)
{
	const struct message *last = t->last;

	if (role == TURN_ASSISTANT)
		return turn_go_on(t, role);
	if (role == TURN_USER && last != NULL && last->role == TURN_USER &&
	    !last->beyond_results)
		return t->last;
	if (role != TURN_USER && last != NULL &&
	    (last->role == TURN_USER || last->role == TURN_ASSISTANT))
		carry_note(&t->carried, CARRY_LATE_SYSTEM);
	return turn_message(t, role);
}

static struct part *
pour(struct pouring *p, enum part_kind kind)
{
	struct turn *t = p->r->turn;

	if (p->result != NULL)
		return turn_result_part(t, p->result, kind);
	if (p->m == NULL) {
		p->m = message(t, p->role);
		if (p->m->phase.len == 0)
			p->m->phase = p->phase;
	}
	return turn_part(t, p->m, kind);
}

static void
note(struct pouring *p, enum carry c)
{
	carry_note(&p->r->turn->carried, c);
}

static void
keep_mark(struct pouring *p, struct part *part, const struct json_value *v)
{
	part->cache = raw_of(v, "prompt_cache_breakpoint");
	if (part->cache.len > 0)
		note(p, CARRY_CACHE_MARKS);
}

static bool
text(struct pouring *p, const struct json_value *v)
{
	const struct json_value *annotations = json_find(v, "annotations");
	struct slice raw;
	struct part *part;

	if (!reading_string(p->r, v, "text", &raw))
		return false;
	if (raw.len == 0)
		return reading_wrong(p->r, "text", "is missing");
	if (annotations != NULL && annotations->count > 0)
		note(p, CARRY_DOCUMENT_CITATIONS);
	if (raw_inside(raw).len == 0)
		return true;
	part = pour(p, PART_TEXT);
	part->text = raw;
	keep_mark(p, part, v);
	return true;
}

static bool
refusal(struct pouring *p, const struct json_value *v)
{
	struct slice raw;

	if (!reading_string(p->r, v, "refusal", &raw))
		return false;
	if (raw_inside(raw).len == 0)
		return true;
	pour(p, PART_REFUSAL)->text = raw;
	note(p, CARRY_REFUSALS);
	return true;
}

/* A file that the provider keeps for one account: noted, and no part. */
static bool
is_kept(struct pouring *p, const struct json_value *v)
{
	if (raw_of(v, "file_id").len == 0)
		return false;
	note(p, CARRY_FILE_IDS);
	return true;
}

static void
keep_detail(struct pouring *p, struct part *part, struct slice detail)
{
	if (detail.len == 0)
		return;
	part->detail = detail;
	if (!raw_is(detail, "auto"))
		note(p, CARRY_IMAGE_DETAIL);
}

static bool
image(struct pouring *p, const struct json_value *v)
{
	struct slice url, detail;
	struct part *part;

	if (!reading_string(p->r, v, "image_url", &url) ||
	    !reading_string(p->r, v, "detail", &detail))
		return false;
	if (url.len == 0 && is_kept(p, v))
		return true;
	part = pour(p, PART_IMAGE);
	if (!turn_take_url(p->r->turn, part, url))
		return reading_wrong(p->r, "image_url",
		    "must be an http or https URL, or a base64 data URL");
	keep_detail(p, part, detail);
	keep_mark(p, part, v);
	if (p->result != NULL)
		note(p, CARRY_RESULT_MEDIA);
	return true;
}

static bool
take_file(struct pouring *p, struct part *part, struct slice bytes,
    struct slice url)
{
	if (bytes.len > 0) {
		note(p, CARRY_DOCUMENTS);
		if (!turn_take_url(p->r->turn, part, bytes) ||
		    part->data.len == 0)
			return reading_wrong(p->r, "file_data",
			    "must be a base64 data URL");
		return true;
	}
	note(p, CARRY_DOCUMENT_URLS);
	if (!turn_take_url(p->r->turn, part, url) || part->url.len == 0)
		return reading_wrong(p->r, "file_url",
		    "must be an http or https URL");
	return true;
}

static bool
file(struct pouring *p, const struct json_value *v)
{
	struct slice bytes, url, name, detail;
	struct part *part;

	if (!reading_string(p->r, v, "file_data", &bytes) ||
	    !reading_string(p->r, v, "file_url", &url) ||
	    !reading_string(p->r, v, "filename", &name) ||
	    !reading_string(p->r, v, "detail", &detail))
		return false;
	if (bytes.len == 0 && url.len == 0 && is_kept(p, v))
		return true;
	part = pour(p, PART_FILE);
	part->title = name;
	keep_detail(p, part, detail);
	keep_mark(p, part, v);
	if (p->result != NULL)
		note(p, CARRY_RESULT_MEDIA);
	return take_file(p, part, bytes, url);
}

static bool
audio(struct pouring *p, const struct json_value *v)
{
	(void)v;
	note(p, CARRY_AUDIO);
	return true;
}

static const struct {
	const char *type;
	bool (*read)(struct pouring *p, const struct json_value *v);
} kinds[] = {
	{ "input_text", text },
	{ "output_text", text },
	{ "text", text },
	{ "refusal", refusal },
	{ "input_image", image },
	{ "input_file", file },
	{ "input_audio", audio },
};

static bool
part(struct pouring *p, const struct json_value *v)
{
	struct slice type;
	size_t i;

	if (!reading_needs(p->r, v, "type", &type))
		return false;
	for (i = 0; i < count_of(kinds); i++)
		if (raw_is(type, kinds[i].type))
			return kinds[i].read(p, v);
	note(p, CARRY_UNKNOWN_ITEMS);
	return true;
}

static bool
content(struct pouring *p, const struct json_value *v, const char *field)
{
	const struct json_value *one;

	if (v != NULL && v->type == JSON_STRING) {
		if (raw_inside(v->raw).len > 0)
			pour(p, PART_TEXT)->text = v->raw;
		return true;
	}
	if (v == NULL || v->type != JSON_ARRAY)
		return reading_wrong(p->r, field,
		    "must be a string or an array");
	for (one = reading_first(p->r, field, v); one != NULL;
	     one = reading_next(p->r, one))
		if (!part(p, one))
			return false;
	return true;
}

bool
asking_content(struct reading *r, enum turn_role role, struct slice phase,
    const struct json_value *v)
{
	struct pouring p = { .r = r, .role = role, .phase = phase };

	return content(&p, v, "content");
}

bool
asking_output(struct reading *r, struct part *result,
    const struct json_value *v)
{
	struct pouring p = { .r = r, .result = result };

	return content(&p, v, "output");
}
