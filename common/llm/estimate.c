#include "common/llm/estimate.h"

#include "common/format/json.h"
#include "common/llm/gauge.h"
#include "common/llm/picture.h"

#define DATA_URL      "data:"
#define DATA_MARK     ";base64,"
#define DATA_TYPE_MAX 128 /* bytes up to the mark */

/* Measured by others, or assumed where nothing can be known. */
#define PRIMING_TOKENS       3    /* of the answer to come */
#define MESSAGE_TOKENS       3    /* around each */
#define TOOL_PROMPT_TOKENS   500  /* what Messages puts before tools */
#define IMAGE_TOKENS         1500 /* of unknown size */
#define DOCUMENT_TOKENS      4000 /* of unknown size, about a page or two */
#define DOCUMENT_TOKENS_MIN  1500
#define DOCUMENT_TOKEN_BYTES 16   /* of a PDF, about 64 KB a page */
#define AUDIO_TOKEN_BYTES    1600 /* a tenth of a second of MP3 */
#define OPAQUE_TOKEN_BYTES   8    /* of an encrypted thought */
#define SCHEMA_PARTS         4    /* OpenAI's rendering of a tool's JSON ... */
#define SCHEMA_PARTS_SHOWN   3    /* ... is so much shorter */

/* OpenAI's patches, and Anthropic's after its own downscaling. */
#define PATCH_PIXELS  32
#define PATCHES_LOW   256
#define PATCHES_HIGH  2500
#define PATCHES_MAX   10000
#define PATCH_TENTHS  12 /* of a token */
#define TILE_PIXELS   28
#define TILE_EDGE_MAX 2576
#define TILES_MAX     4784

struct sum {
	enum dialect dialect;
	int64_t units;  /* of the gauge */
	int64_t tokens; /* of what is not text */
};

enum weigh {
	WEIGH_TEXT,     /* all that is in no table */
	WEIGH_NOTHING,  /* says how, not what */
	WEIGH_RAW,      /* JSON that the model sees as it is */
	WEIGH_SCHEMA,   /* tools, rendered by the provider */
	WEIGH_OPAQUE,   /* encrypted */
	WEIGH_IMAGE,    /* base64, or an object or string with its URL */
	WEIGH_SOURCE,   /* of an image or document in Messages */
	WEIGH_DOCUMENT, /* a data URL, or some URL */
	WEIGH_AUDIO
};

struct weigh_row {
	struct slice name;
	enum weigh weigh;
};

#define ROW(name, weigh)                                                       \
	{                                                                      \
		{ name, sizeof(name) - 1 }, weigh                              \
	}

static const struct weigh_row at_root[] = {
	ROW("messages", WEIGH_TEXT),
	ROW("input", WEIGH_TEXT),
	ROW("system", WEIGH_TEXT),
	ROW("instructions", WEIGH_TEXT),
	ROW("tools", WEIGH_SCHEMA),
	ROW("functions", WEIGH_SCHEMA),
	ROW("response_format", WEIGH_SCHEMA),
	ROW("text", WEIGH_SCHEMA),
	ROW("output_config", WEIGH_SCHEMA),
	ROW("output_format", WEIGH_SCHEMA),
};

static const struct weigh_row inside[] = {
	ROW("type", WEIGH_NOTHING),
	ROW("role", WEIGH_NOTHING),
	ROW("id", WEIGH_NOTHING),
	ROW("call_id", WEIGH_NOTHING),
	ROW("tool_call_id", WEIGH_NOTHING),
	ROW("tool_use_id", WEIGH_NOTHING),
	ROW("status", WEIGH_NOTHING),
	ROW("phase", WEIGH_NOTHING),
	ROW("caller", WEIGH_NOTHING),
	ROW("signature", WEIGH_NOTHING),
	ROW("cache_control", WEIGH_NOTHING),
	ROW("prompt_cache_breakpoint", WEIGH_NOTHING),
	ROW("annotations", WEIGH_NOTHING),
	ROW("logprobs", WEIGH_NOTHING),
	ROW("file_id", WEIGH_DOCUMENT),
	ROW("file_data", WEIGH_DOCUMENT),
	ROW("file_url", WEIGH_DOCUMENT),
	ROW("image_url", WEIGH_IMAGE),
	ROW("result", WEIGH_IMAGE),
	ROW("input_audio", WEIGH_AUDIO),
	ROW("source", WEIGH_SOURCE),
	ROW("encrypted_content", WEIGH_OPAQUE),
	ROW("data", WEIGH_OPAQUE),
	ROW("input", WEIGH_RAW),
	ROW("tools", WEIGH_SCHEMA),
};

static enum weigh
find_weigh(const struct weigh_row *rows, size_t count, struct slice name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_eq(rows[i].name, name))
			return rows[i].weigh;
	return rows == inside ? WEIGH_TEXT : WEIGH_NOTHING;
}

/* Between the quotes; empty when it is not a string. */
static struct slice
characters(const struct json_value *v)
{
	if (v == NULL || v->type != JSON_STRING)
		return slice_of("");
	return slice_make(v->raw.ptr + 1, v->raw.len - 2);
}

/* True when it is a data URL: its type and its base64. */
static bool
split_url(struct slice url, struct slice *type, struct slice *base64)
{
	const char *mark;

	if (!slice_starts(url, DATA_URL))
		return false;
	*type = slice_make(url.ptr + sizeof(DATA_URL) - 1,
	    url.len - (sizeof(DATA_URL) - 1));
	mark = memmem(type->ptr, min_size(type->len, DATA_TYPE_MAX), DATA_MARK,
	    sizeof(DATA_MARK) - 1);
	if (mark == NULL)
		return false;
	*base64 = slice_after(*type,
	    (size_t)(mark - type->ptr) + sizeof(DATA_MARK) - 1);
	type->len = (size_t)(mark - type->ptr);
	return true;
}

static int64_t
bytes_of(struct slice base64)
{
	return (int64_t)(base64.len / 4 * 3);
}

static int64_t
tiles(int64_t side, int64_t pixels)
{
	return (side + pixels - 1) / pixels;
}

static int64_t
anthropic_tokens(struct picture p)
{
	int64_t edge = max_i64(p.width, p.height);

	if (edge > TILE_EDGE_MAX) {
		p.width = max_i64(p.width * TILE_EDGE_MAX / edge, 1);
		p.height = max_i64(p.height * TILE_EDGE_MAX / edge, 1);
	}
	return min_i64(tiles(p.width, TILE_PIXELS) *
			   tiles(p.height, TILE_PIXELS),
	    TILES_MAX);
}

static int64_t
openai_tokens(struct picture p, struct slice detail)
{
	int64_t most = PATCHES_MAX, patches;

	if (slice_is(detail, "low"))
		most = PATCHES_LOW;
	if (slice_is(detail, "high"))
		most = PATCHES_HIGH;
	patches = tiles(p.width, PATCH_PIXELS) * tiles(p.height, PATCH_PIXELS);
	return tiles(min_i64(patches, most) * PATCH_TENTHS, 10);
}

static int64_t
image_tokens(const struct sum *s, struct slice base64, struct slice detail)
{
	struct picture p;

	if (!picture_read(&p, base64))
		return IMAGE_TOKENS;
	return s->dialect == DIALECT_MESSAGES ? anthropic_tokens(p)
					      : openai_tokens(p, detail);
}

static int64_t
document_tokens(struct slice base64)
{
	return max_i64(bytes_of(base64) / DOCUMENT_TOKEN_BYTES,
	    DOCUMENT_TOKENS_MIN);
}

/* Base64 of that type, wherever it was found. */
static int64_t
media_tokens(const struct sum *s, struct slice type, struct slice base64,
    struct slice detail)
{
	if (slice_starts(type, "image"))
		return image_tokens(s, base64, detail);
	if (slice_starts(type, "audio"))
		return bytes_of(base64) / AUDIO_TOKEN_BYTES + 1;
	return document_tokens(base64);
}

static void
add_url(struct sum *s, struct slice url, struct slice detail, int64_t unknown)
{
	struct slice type, base64;

	s->tokens += split_url(url, &type, &base64)
			 ? media_tokens(s, type, base64, detail)
			 : unknown;
}

/* Chat has {"url", "detail"}, Responses a string with `detail` beside it. */
static void
add_image(struct sum *s, const struct json_value *parent,
    const struct json_value *v)
{
	const struct json_value *url = v, *from = parent;

	if (v->type == JSON_OBJECT) {
		url = json_find(v, "url");
		from = v;
	}
	if (v->type != JSON_NULL)
		add_url(s, characters(url),
		    characters(json_find(from, "detail")), IMAGE_TOKENS);
}

static void
add_schema(struct sum *s, struct slice raw)
{
	int64_t units = gauge_text(raw);

	if (s->dialect != DIALECT_MESSAGES)
		units = units * SCHEMA_PARTS_SHOWN / SCHEMA_PARTS;
	s->units += units;
}

static void add_content(struct sum *s, const struct json_value *v);

/* Text and content stand in sources as well as media. */
static void
add_source(struct sum *s, const struct json_value *parent,
    const struct json_value *v)
{
	struct slice type = characters(json_find(v, "media_type"));
	struct slice bytes = characters(json_find(v, "data"));
	bool image = slice_is(characters(json_find(parent, "type")), "image");

	if (v->type != JSON_OBJECT || json_find(v, "content") != NULL)
		add_content(s, v);
	else if (slice_is(characters(json_find(v, "type")), "text"))
		s->units += gauge_text(bytes);
	else if (bytes.len > 0)
		s->tokens += media_tokens(s, type, bytes, slice_of(""));
	else
		s->tokens += image ? IMAGE_TOKENS : DOCUMENT_TOKENS;
}

static void
add_member(struct sum *s, const struct json_value *parent,
    const struct json_value *v)
{
	switch (find_weigh(inside, count_of(inside), v->name)) {
	case WEIGH_TEXT:
		add_content(s, v);
		break;
	case WEIGH_NOTHING:
		break;
	case WEIGH_RAW:
		s->units += gauge_text(v->raw);
		break;
	case WEIGH_SCHEMA:
		add_schema(s, v->raw);
		break;
	case WEIGH_OPAQUE:
		s->tokens += (int64_t)v->raw.len / OPAQUE_TOKEN_BYTES;
		break;
	case WEIGH_IMAGE:
		add_image(s, parent, v);
		break;
	case WEIGH_SOURCE:
		add_source(s, parent, v);
		break;
	case WEIGH_DOCUMENT:
		if (v->type == JSON_STRING)
			add_url(s, characters(v), slice_of(""),
			    DOCUMENT_TOKENS);
		break;
	case WEIGH_AUDIO:
		s->tokens += bytes_of(characters(json_find(v, "data"))) /
				 AUDIO_TOKEN_BYTES +
			     1;
		break;
	}
}

/* As deep as the parser lets a body be. */
static void
add_content(struct sum *s, const struct json_value *v)
{
	const struct json_value *child;
	struct slice type, base64;

	if (v->type == JSON_NUMBER)
		s->units += gauge_text(v->raw);
	else if (v->type == JSON_STRING &&
		 split_url(characters(v), &type, &base64))
		s->tokens += media_tokens(s, type, base64, slice_of(""));
	else if (v->type == JSON_STRING)
		s->units += gauge_text(characters(v));
	for (child = v->first; child != NULL; child = child->next)
		if (v->type == JSON_OBJECT)
			add_member(s, v, child);
		else
			add_content(s, child);
}

static void
add_root(struct sum *s, const struct json_value *v)
{
	bool tools = slice_is(v->name, "tools");

	switch (find_weigh(at_root, count_of(at_root), v->name)) {
	case WEIGH_TEXT:
		add_content(s, v);
		if (v->type == JSON_ARRAY)
			s->tokens += MESSAGE_TOKENS * (int64_t)v->count;
		break;
	case WEIGH_SCHEMA:
		add_schema(s, v->raw);
		if (tools && v->count > 0 && s->dialect == DIALECT_MESSAGES)
			s->tokens += TOOL_PROMPT_TOKENS;
		break;
	default:
		break;
	}
}

int64_t
estimate_tokens(const struct json_value *root, enum dialect d)
{
	struct sum s = { .dialect = d, .tokens = PRIMING_TOKENS };
	const struct json_value *v;

	for (v = root->first; v != NULL; v = v->next)
		add_root(&s, v);
	return s.tokens + tiles(s.units, GAUGE_UNITS);
}
