#include "common/llm/look.h"

#include "common/format/json.h"

enum key {
	KEY_OTHER,
	KEY_TYPE,
	KEY_FILE,   /* names something in the provider's account */
	KEY_SOURCE, /* may name it as {"type":"file"} */
	KEY_TOOLS,
	KEY_OPAQUE /* the caller's own JSON */
};

struct key_row {
	const char *name;
	enum key key;
};

#define KEYS_OF_LENGTH 2
#define KEY_LENGTHS    16

/* By the length of the name, since most lengths have none. */
static const struct key_row keys[KEY_LENGTHS][KEYS_OF_LENGTH] = {
	[4] = { { "type", KEY_TYPE } },
	[5] = { { "tools", KEY_TOOLS }, { "input", KEY_OPAQUE } },
	[6] = { { "source", KEY_SOURCE }, { "schema", KEY_OPAQUE } },
	[7] = { { "file_id", KEY_FILE } },
	[8] = { { "file_ids", KEY_FILE } },
	[10] = { { "parameters", KEY_OPAQUE } },
	[12] = { { "input_schema", KEY_OPAQUE } },
	[13] = { { "output_schema", KEY_OPAQUE } },
	[14] = { { "input_examples", KEY_OPAQUE } },
};

static enum key
key_of(struct slice name)
{
	const struct key_row *row;
	size_t i;

	if (name.len >= KEY_LENGTHS)
		return KEY_OTHER;
	row = keys[name.len];
	for (i = 0; i < KEYS_OF_LENGTH && row[i].name != NULL; i++)
		if (memcmp(row[i].name, name.ptr, name.len) == 0)
			return row[i].key;
	return KEY_OTHER;
}

enum part {
	PART_IMAGE,
	PART_DOCUMENT,
	PART_AUDIO,
	PART_STORED /* a file put into a container */
};

static const struct {
	struct slice type;
	enum part part;
} parts[] = {
#define PART(type, part)                                                       \
	{                                                                      \
		{ type, sizeof(type) - 1 }, part                               \
	}
	PART("image_url", PART_IMAGE),
	PART("input_image", PART_IMAGE),
	PART("image", PART_IMAGE),
	PART("computer_screenshot", PART_IMAGE),
	PART("file", PART_DOCUMENT),
	PART("input_file", PART_DOCUMENT),
	PART("document", PART_DOCUMENT),
	PART("input_audio", PART_AUDIO),
	PART("container_upload", PART_STORED),
#undef PART
};

static void
note_part(struct look *look, const struct json_value *value)
{
	char room[JSON_WORD_MAX];
	struct slice type = json_word(value, room);
	size_t i;

	for (i = 0; i < count_of(parts); i++)
		if (slice_eq(type, parts[i].type))
			break;
	if (i == count_of(parts))
		return;
	look->images |= parts[i].part == PART_IMAGE;
	look->documents |= parts[i].part == PART_DOCUMENT;
	look->audio |= parts[i].part == PART_AUDIO;
	if (parts[i].part == PART_STORED && look->file == NULL)
		look->file = value;
}

static void
note_tools(struct look *look, const struct json_value *list)
{
	const struct json_value *tool;
	enum tool_kind kind;

	if (list->type != JSON_ARRAY)
		return;
	for (tool = list->first; tool != NULL; tool = tool->next) {
		kind = tool_kind(tool, look->dialect);
		if (look->tools[kind]++ == 0)
			look->first[kind] = tool;
	}
}

static void
note_file(struct look *look, const struct json_value *reference)
{
	if (reference->type != JSON_NULL && look->file == NULL)
		look->file = reference;
}

static bool
is_stored_source(const struct json_value *source)
{
	char room[JSON_WORD_MAX];

	return slice_is(json_word(json_find(source, "type"), room), "file");
}

/* True when there is nothing more to see inside of it. */
static bool
note_member(struct look *look, const struct json_value *member)
{
	switch (key_of(member->name)) {
	case KEY_TYPE:
		note_part(look, member);
		return false;
	case KEY_FILE:
		note_file(look, member);
		return true;
	case KEY_SOURCE:
		if (is_stored_source(member))
			note_file(look, member);
		return false;
	case KEY_TOOLS:
		note_tools(look, member);
		return false;
	case KEY_OPAQUE:
		return true;
	case KEY_OTHER:
		break;
	}
	return false;
}

/* As deep as the parser lets a body be. */
static void
walk(struct look *look, const struct json_value *value)
{
	bool is_object = value->type == JSON_OBJECT;
	const struct json_value *child;

	for (child = value->first; child != NULL; child = child->next)
		if (!is_object || !note_member(look, child))
			walk(look, child);
}

/* A reference may leave its type out, and is then all that is without role. */
static bool
is_item_reference(const struct json_value *item)
{
	const struct json_value *type = json_find(item, "type");
	char room[JSON_WORD_MAX];

	if (item->type != JSON_OBJECT)
		return false;
	if (type == NULL || type->type == JSON_NULL)
		return json_find(item, "role") == NULL;
	return slice_is(json_word(type, room), "item_reference");
}

static void
look_items(struct look *look, const struct json_value *input)
{
	const struct json_value *item;

	if (input == NULL || input->type != JSON_ARRAY)
		return;
	for (item = input->first; item != NULL && look->item == NULL;
	     item = item->next)
		if (is_item_reference(item))
			look->item = item;
}

/* Where content stands, and the legacy list of tools that callers run. */
static const struct slice roots[] = {
#define ROOT(name)                                                             \
	{                                                                      \
		name, sizeof(name) - 1                                         \
	}
	ROOT("messages"),
	ROOT("input"),
	ROOT("system"),
	ROOT("tools"),
#undef ROOT
};

void
look_body(struct look *look, const struct json_value *root, enum dialect d)
{
	const struct json_value *at[count_of(roots)];
	const struct json_value *functions = json_find(root, "functions");
	size_t i;

	*look = (struct look){ .dialect = d };
	json_pick(root, roots, count_of(roots), at);
	for (i = 0; i < count_of(roots); i++)
		if (at[i] != NULL)
			walk(look, at[i]);
	for (i = 0; i < count_of(roots); i++)
		if (at[i] != NULL && slice_is(at[i]->name, "tools"))
			note_tools(look, at[i]);
	if (d == DIALECT_RESPONSES)
		look_items(look, json_find(root, "input"));
	if (functions != NULL)
		look->tools[TOOL_CLIENT] += functions->count;
}
