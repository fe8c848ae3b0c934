#include "common/format/yaml.h"

#include <assert.h>
#include <libfyaml.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/base/utf8.h"

#define ANCHORS_MAX    64
#define CARET_LINE_MAX 160 /* characters of a source line that are shown */
#define CARET_INDENT   "    "

/* A collection whose end has not come yet. */
struct open_node {
	struct yaml_node *node;
	struct yaml_item *last;
	const struct yaml_node *key; /* that waits for its value */
};

struct anchor {
	struct slice name;
	const struct yaml_node *node;
};

struct builder {
	struct arena *arena;
	struct slice text;
	struct yaml_error *error; /* its text is NULL until one is found */
	struct fy_parser *parser;
	struct open_node open[YAML_DEPTH_MAX];
	struct slice open_anchor[YAML_DEPTH_MAX];
	size_t depth;
	struct anchor anchors[ANCHORS_MAX];
	size_t anchors_count;
	size_t documents;
	size_t weight; /* of all nodes so far */
	const struct yaml_node *root;
};

static bool
refuse(struct builder *b, struct yaml_place place, const char *text)
{
	if (b->error->text == NULL) {
		b->error->place = place;
		b->error->text = text;
	}
	return false;
}

static struct slice
token_text(struct builder *b, struct fy_token *token)
{
	size_t len = 0;
	const char *text = NULL;

	if (token != NULL)
		text = fy_token_get_text(token, &len);
	return arena_copy(b->arena, slice_make(text, text != NULL ? len : 0));
}

static struct yaml_place
place_of(const struct fy_mark *mark)
{
	return (struct yaml_place){ mark->line + 1, mark->column + 1 };
}

static struct yaml_node *
node_new(struct builder *b, enum yaml_type type, struct fy_event *event)
{
	const struct fy_mark *start = fy_event_start_mark(event);
	const struct fy_mark *end = fy_event_end_mark(event);
	struct yaml_node *node = arena_new(b->arena, struct yaml_node);

	node->type = type;
	node->weight = 1;
	if (start != NULL) {
		/* An empty key has marks where the next token starts. */
		node->place = place_of(start);
		node->start = min_size(start->input_pos, b->text.len);
		node->end = end != NULL ? end->input_pos : node->start;
		node->end = min_size(node->end, b->text.len);
		if (node->end < node->start)
			node->end = node->start;
	} else if (b->depth > 0 && b->open[b->depth - 1].key != NULL) {
		/* A value left out stands where its key does. */
		node->place = b->open[b->depth - 1].key->place;
		node->start = node->end = b->open[b->depth - 1].key->end;
	} else if (b->depth > 0) {
		node->place = b->open[b->depth - 1].node->place;
		node->start = b->open[b->depth - 1].node->start;
		node->end = node->start;
	} else {
		node->place = (struct yaml_place){ 1, 1 };
	}
	return node;
}

static bool
keep_anchor(struct builder *b, struct slice name, const struct yaml_node *node)
{
	if (name.len == 0)
		return true;
	if (b->anchors_count == ANCHORS_MAX)
		return refuse(b, node->place, "too many anchors");
	b->anchors[b->anchors_count++] = (struct anchor){ name, node };
	return true;
}

static bool
take_key(struct builder *b, struct open_node *open, const struct yaml_node *key)
{
	if (key->type != YAML_SCALAR)
		return refuse(b, key->place, "a key has to be plain text");
	if (key->plain && slice_is(key->text, "<<"))
		return refuse(b, key->place,
		    "merge keys are not read; write them out");
	open->key = key;
	return true;
}

/* Put a finished node, or one just opened, where it belongs. */
static bool
attach(struct builder *b, const struct yaml_node *node)
{
	struct open_node *open;
	struct yaml_item *item;

	b->weight += node->weight;
	if (b->weight > YAML_NODES_MAX)
		return refuse(b, node->place, "too many values in one file");
	if (b->depth == 0) {
		b->root = node;
		return true;
	}
	open = &b->open[b->depth - 1];
	if (open->node->type == YAML_MAPPING && open->key == NULL)
		return take_key(b, open, node);
	item = arena_new(b->arena, struct yaml_item);
	item->key = open->key;
	item->value = node;
	if (open->last != NULL)
		open->last->next = item;
	else
		open->node->first = item;
	open->last = item;
	open->node->count++;
	open->key = NULL;
	return true;
}

static bool
unique_keys(struct builder *b, const struct yaml_node *mapping)
{
	const struct yaml_item *item;
	bool unique = true;
	struct map seen;

	map_init(&seen);
	for (item = mapping->first; item != NULL && unique; item = item->next)
		if (map_put(&seen, item->key->text, (void *)(uintptr_t)item) !=
		    NULL)
			unique = refuse(b, item->key->place,
			    arena_printf(b->arena, "'%s' stands here twice",
				item->key->text.ptr));
	map_fini(&seen);
	return unique;
}

static bool
open_collection(struct builder *b, enum yaml_type type, struct fy_event *event)
{
	struct fy_token *anchor = type == YAML_MAPPING
				      ? event->mapping_start.anchor
				      : event->sequence_start.anchor;
	struct yaml_node *node = node_new(b, type, event);

	if (b->depth == YAML_DEPTH_MAX)
		return refuse(b, node->place, "nested too deeply");
	if (!attach(b, node))
		return false;
	/* A collection as a key shows here: it is no text. */
	b->open_anchor[b->depth] = token_text(b, anchor);
	b->open[b->depth++] = (struct open_node){ .node = node };
	return true;
}

/* Does it stand in brackets, of which the last ends at the mark? */
static bool
is_flow(const struct builder *b, const struct yaml_node *node,
    const struct fy_mark *end)
{
	const char *text = b->text.ptr;

	if (end == NULL || end->input_pos > b->text.len ||
	    end->input_pos <= node->start)
		return false;
	return (text[node->start] == '[' && text[end->input_pos - 1] == ']') ||
	       (text[node->start] == '{' && text[end->input_pos - 1] == '}');
}

static bool
close_collection(struct builder *b, struct fy_event *event)
{
	const struct fy_mark *end = fy_event_end_mark(event);
	struct yaml_node *node = b->open[--b->depth].node;
	const struct yaml_item *item;

	for (item = node->first; item != NULL; item = item->next) {
		node->weight += item->value->weight + (item->key != NULL);
		if (item->value->end > node->end)
			node->end = item->value->end;
	}
	/* The mark of a block's end is that of what comes next. */
	if (is_flow(b, node, end))
		node->end = end->input_pos;
	if (node->type == YAML_MAPPING && !unique_keys(b, node))
		return false;
	return keep_anchor(b, b->open_anchor[b->depth], node);
}

static bool
add_scalar(struct builder *b, struct fy_event *event)
{
	struct yaml_node *node = node_new(b, YAML_SCALAR, event);
	enum fy_scalar_style style = FYSS_PLAIN;

	if (event->scalar.value != NULL)
		style = fy_token_scalar_style(event->scalar.value);
	node->plain = style == FYSS_PLAIN;
	node->text = token_text(b, event->scalar.value);
	/* libfyaml marks what is between the quotes. */
	if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) {
		node->start--;
		node->end++;
		node->place.col--;
	}
	return keep_anchor(b, token_text(b, event->scalar.anchor), node) &&
	       attach(b, node);
}

static bool
add_alias(struct builder *b, struct fy_event *event)
{
	struct slice name = token_text(b, event->alias.anchor);
	const struct fy_mark *start = fy_event_start_mark(event);
	struct yaml_place place = { 1, 1 };
	size_t i;

	if (start != NULL)
		place = place_of(start);
	for (i = b->anchors_count; i-- > 0;)
		if (slice_eq(b->anchors[i].name, name))
			return attach(b, b->anchors[i].node);
	return refuse(b, place,
	    arena_printf(b->arena, "'*%s' stands for nothing above", name.ptr));
}

static bool
has_tag(const struct fy_event *event)
{
	switch (event->type) {
	case FYET_SCALAR:
		return event->scalar.tag != NULL;
	case FYET_SEQUENCE_START:
		return event->sequence_start.tag != NULL;
	case FYET_MAPPING_START:
		return event->mapping_start.tag != NULL;
	default:
		return false;
	}
}

static bool
take_event(struct builder *b, struct fy_event *event)
{
	const struct fy_mark *start = fy_event_start_mark(event);
	struct yaml_place place = { 1, 1 };

	if (start != NULL)
		place = place_of(start);
	if (has_tag(event))
		return refuse(b, place, "tags are not read; remove it");
	switch (event->type) {
	case FYET_DOCUMENT_START:
		if (++b->documents > 1)
			return refuse(b, place,
			    "one document a file; this is a second");
		return true;
	case FYET_MAPPING_START:
		return open_collection(b, YAML_MAPPING, event);
	case FYET_SEQUENCE_START:
		return open_collection(b, YAML_SEQUENCE, event);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return close_collection(b, event);
	case FYET_SCALAR:
		return add_scalar(b, event);
	case FYET_ALIAS:
		return add_alias(b, event);
	default:
		return true;
	}
}

/* Errors are collected, never printed. */
static void
sink(struct fy_diag *diag, void *user, const char *text, size_t len)
{
	(void)diag;
	(void)user;
	(void)text;
	(void)len;
}

/* The first thing that libfyaml had to say. */
static void
syntax_error(struct builder *b, struct fy_diag *diag)
{
	struct yaml_place place = { 1, 1 };
	struct fy_diag_error *found;
	void *at = NULL;

	found = fy_diag_errors_iterate(diag, &at);
	if (found == NULL) {
		refuse(b, place, "not YAML");
		return;
	}
	if (found->line > 0)
		place = (struct yaml_place){ found->line,
			found->column > 0 ? found->column : 1 };
	refuse(b, place, arena_text(b->arena, slice_of(found->msg)));
}

static bool
build(struct builder *b, struct fy_diag *diag)
{
	struct fy_event *event;
	bool fine = true;

	while (fine && (event = fy_parser_parse(b->parser)) != NULL) {
		fine = take_event(b, event);
		fy_parser_event_free(b->parser, event);
	}
	if (fine && fy_parser_get_stream_error(b->parser)) {
		syntax_error(b, diag);
		fine = false;
	}
	return fine;
}

/* U+202A..202E and U+2066..2069 make a reviewer see another order. */
static bool
reorders(const char *at, size_t len)
{
	return len == 3 && at[0] == '\xe2' &&
	       ((at[1] == '\x80' && at[2] >= '\xaa' && at[2] <= '\xae') ||
		   (at[1] == '\x81' && at[2] >= '\xa6' && at[2] <= '\xa9'));
}

/* What libfyaml would pass over in silence. */
static const char *
bad_character(const char *at, size_t len)
{
	if (len == 0)
		return "bytes that are not UTF-8";
	if (((unsigned char)*at < ' ' && strchr("\t\r\n", *at) == NULL) ||
	    *at == '\0' || *at == 0x7F)
		return "a control character";
	if (reorders(at, len))
		return "a character that reorders the text shown";
	return NULL;
}

static bool
readable(struct builder *b)
{
	const char *at = b->text.ptr, *end = at + b->text.len, *why;
	struct yaml_place place = { 1, 1 };
	size_t len;

	if (b->text.len > YAML_BYTES_MAX)
		return refuse(b, place, "larger than 1 MiB");
	for (; at < end; at += len) {
		len = utf8_char(at, end);
		why = bad_character(at, len);
		if (why != NULL)
			return refuse(b, place, why);
		if (*at == '\n')
			place = (struct yaml_place){ place.line + 1, 0 };
		place.col++;
	}
	return true;
}

const struct yaml_node *
yaml_parse(struct arena *arena, struct slice text, struct yaml_error *error)
{
	struct builder b = { .arena = arena, .text = text, .error = error };
	struct fy_parse_cfg config = { .flags = FYPCF_JSON_NONE |
						FYPCF_DEFAULT_VERSION_1_2 };
	struct fy_diag_cfg diag_config;

	*error = (struct yaml_error){ .text = NULL };
	if (text.len == 0)
		goto out;
	if (!readable(&b))
		return NULL;
	fy_diag_cfg_default(&diag_config);
	diag_config.fp = NULL;
	diag_config.output_fn = sink;
	config.diag = fy_diag_create(&diag_config);
	assert(config.diag != NULL);
	fy_diag_set_collect_errors(config.diag, true);
	b.parser = fy_parser_create(&config);
	assert(b.parser != NULL);
	if (fy_parser_set_string(b.parser, text.ptr, text.len) != 0 ||
	    !build(&b, config.diag))
		refuse(&b, (struct yaml_place){ 1, 1 }, "not YAML");
	fy_parser_destroy(b.parser);
	fy_diag_destroy(config.diag);
out:
	if (error->text != NULL)
		return NULL;
	if (b.root == NULL || yaml_is_null(b.root)) {
		struct yaml_node *empty = arena_new(arena, struct yaml_node);

		empty->type = YAML_MAPPING;
		empty->place = (struct yaml_place){ 1, 1 };
		empty->weight = 1;
		b.root = empty;
	}
	return b.root;
}

const struct yaml_item *
yaml_find(const struct yaml_node *mapping, struct slice key)
{
	const struct yaml_item *item;

	if (mapping == NULL || mapping->type != YAML_MAPPING)
		return NULL;
	for (item = mapping->first; item != NULL; item = item->next)
		if (slice_eq(item->key->text, key))
			return item;
	return NULL;
}

struct slice
yaml_text(const struct yaml_node *mapping, const char *key)
{
	const struct yaml_item *item = yaml_find(mapping, slice_of(key));

	if (item == NULL || item->value->type != YAML_SCALAR)
		return slice_of("");
	return item->value->text;
}

bool
yaml_is_null(const struct yaml_node *node)
{
	return node->type == YAML_SCALAR && node->plain &&
	       (node->text.len == 0 || slice_is(node->text, "~") ||
		   slice_is(node->text, "null"));
}

/* Bytes that go on with a character of UTF-8. */
static bool
continues(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

static struct slice
line_at(struct slice text, int line)
{
	const char *end;

	for (; line > 1; line--) {
		end = memchr(text.ptr, '\n', text.len);
		if (end == NULL)
			return slice_of("");
		text = slice_after(text, (size_t)(end - text.ptr) + 1);
		if (text.len == 0)
			return text;
	}
	end = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;
	if (end != NULL)
		text.len = (size_t)(end - text.ptr);
	return text;
}

void
yaml_put_caret(struct buf *out, struct slice text, struct yaml_place place)
{
	struct slice line = line_at(text, place.line);
	int shown = 0;
	size_t i;

	if (line.len == 0)
		return;
	buf_puts(out, CARET_INDENT);
	for (i = 0; i < line.len; i++) {
		shown += !continues(line.ptr[i]);
		if (shown > CARET_LINE_MAX)
			break;
		/* Nothing in a file may steer the reader's terminal. */
		buf_putc(out,
		    (unsigned char)line.ptr[i] < ' ' ? ' ' : line.ptr[i]);
	}
	buf_putc(out, '\n');
	if (place.col > CARET_LINE_MAX)
		return;
	buf_printf(out, CARET_INDENT "%*s^\n", place.col - 1, "");
}
