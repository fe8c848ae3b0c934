#include "common/llm/own.h"

#include <assert.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/llm/hosted.h"
#include "common/llm/look.h"

#define VALUE_SHOWN_MAX  42 /* bytes of a caller's word in a reason */
#define RESPONSES_LEAST  16 /* max_output_tokens, or the API refuses it */
#define CAP_IN_RESPONSES "max_output_tokens"
#define USAGE_KEY        "include_usage"
#define ENCRYPTED        "reasoning.encrypted_content"

enum action {
#define OWN_ACTION(action, becomes) ACTION_##action,
#include "common/llm/own.def"
#undef OWN_ACTION
};

enum key {
#define OWN(name, dialects, key, action, class, cure) KEY_##name,
#include "common/llm/own.def"
#undef OWN
	KEYS
};

#define ALLOW_NONE 0

static const struct {
	unsigned dialects;
	enum action action;
	unsigned leave; /* a bit of allow.h, or none */
	const char *cure;
} rows[KEYS] = {
#define OWN(name, dialects, key, action, class, cure)                          \
	{ dialects, ACTION_##action, ALLOW_##class, cure },
#include "common/llm/own.def"
#undef OWN
};

static const struct slice names[KEYS] = {
#define OWN(name, dialects, key, action, class, cure) { key, sizeof(key) - 1 },
#include "common/llm/own.def"
#undef OWN
};

struct owning {
	const struct own_terms *terms;
	const struct json_value *root;
	struct arena *arena;
	struct edits edits;
	struct look look;
	const struct json_value *at[KEYS]; /* those of the dialect, also null */
	struct owned *out;
};

static enum own_result
invalid(struct owning *o, const char *why)
{
	o->out->why = why;
	return OWN_INVALID;
}

static bool
is_there(const struct json_value *v)
{
	return v != NULL && v->type != JSON_NULL;
}

/* Give `key` that value, in place of the null it has or as a new member. */
static void
set(struct owning *o, const char *key, const char *text)
{
	const struct json_value *v = json_find(o->root, key);

	if (v != NULL)
		edits_replace(&o->edits, v, text);
	else
		edits_add(&o->edits, o->root, key, text);
}

static const char *
decimal(struct owning *o, int64_t n)
{
	return arena_printf(o->arena, "%lld", (long long)n);
}

static const char *
quoted(struct arena *arena, struct slice text)
{
	struct buf b;
	const char *copy;

	buf_init(&b, 6 * text.len + 2);
	json_put_text(&(struct json_writer){ .out = &b }, text);
	assert(!b.failed);
	copy = arena_text(arena, buf_slice(&b));
	buf_fini(&b);
	return copy;
}

static enum own_result
own_model(struct owning *o)
{
	const struct json_value *v = o->at[KEY_MODEL];
	char room[JSON_WORD_MAX];

	if (v == NULL || v->type != JSON_STRING)
		return invalid(o, "model must be a string");
	if (!slice_eq(json_word(v, room), o->terms->model))
		edits_replace(&o->edits, v, quoted(o->arena, o->terms->model));
	return OWN_DONE;
}

/* A cap that the request cannot live under is never sent. */
static enum own_result
check_cap(struct owning *o)
{
	const struct json_value *thinking = json_find(o->root, "thinking");
	int64_t cap = o->terms->output_cap, budget;

	if (o->terms->dialect == DIALECT_RESPONSES && cap < RESPONSES_LEAST)
		return invalid(o,
		    arena_printf(o->arena,
			CAP_IN_RESPONSES
			" cannot be under %d, but this request's cap is %lld",
			RESPONSES_LEAST, (long long)cap));
	if (o->terms->dialect == DIALECT_MESSAGES &&
	    json_int(json_find(thinking, "budget_tokens"), &budget) &&
	    budget >= cap)
		return invalid(o,
		    arena_printf(o->arena,
			"thinking.budget_tokens must be under %lld, this "
			"request's cap on max_tokens",
			(long long)cap));
	return OWN_DONE;
}

/* Lower a caller's cap to ours. */
static enum own_result
lower_cap(struct owning *o, enum key key)
{
	int64_t least = o->terms->dialect == DIALECT_MESSAGES ? 0 : 1;
	int64_t cap = o->terms->output_cap, n;

	if (!json_int(o->at[key], &n) || n < least)
		return invalid(o,
		    arena_printf(o->arena, "%s must be a positive integer",
			names[key].ptr));
	if (cap <= 0 || n <= cap)
		return OWN_DONE;
	edits_replace(&o->edits, o->at[key], decimal(o, cap));
	return check_cap(o);
}

static enum own_result
add_cap(struct owning *o)
{
	const char *key = CAP_IN_RESPONSES;

	if (o->terms->dialect == DIALECT_MESSAGES)
		return invalid(o, "max_tokens must be an integer");
	if (o->terms->dialect == DIALECT_CHAT)
		key = o->terms->cap_key;
	if (o->terms->output_cap <= 0 || key == NULL)
		return OWN_DONE;
	set(o, key, decimal(o, o->terms->output_cap));
	return check_cap(o);
}

static enum own_result
own_cap(struct owning *o)
{
	enum own_result result = OWN_DONE;
	bool there = false;
	unsigned key;

	for (key = 0; key < KEYS && result == OWN_DONE; key++) {
		if (rows[key].action != ACTION_CAP || !is_there(o->at[key]))
			continue;
		there = true;
		result = lower_cap(o, (enum key)key);
	}
	return there ? result : add_cap(o);
}

static enum own_result
include_usage(struct owning *o)
{
	const struct json_value *options = o->at[KEY_STREAM_OPTIONS], *flag;

	if (!is_there(options)) {
		set(o, "stream_options", "{\"" USAGE_KEY "\":true}");
		return OWN_DONE;
	}
	if (options->type != JSON_OBJECT)
		return invalid(o, "stream_options must be an object");
	flag = json_find(options, USAGE_KEY);
	if (flag == NULL)
		edits_add(&o->edits, options, USAGE_KEY, "true");
	else if (flag->type == JSON_FALSE || flag->type == JSON_NULL)
		edits_replace(&o->edits, flag, "true");
	else if (flag->type != JSON_TRUE)
		return invalid(o,
		    "stream_options." USAGE_KEY " must be true or false");
	return OWN_DONE;
}

static enum own_result
own_stream(struct owning *o)
{
	const struct json_value *v = o->at[KEY_STREAM];
	bool stream = v != NULL && v->type == JSON_TRUE;

	if (is_there(v) && !stream && v->type != JSON_FALSE)
		return invalid(o, "stream must be true or false");
	if (stream != o->terms->stream)
		return invalid(o, "stream does not agree with what was asked "
				  "for");
	if (stream && o->terms->usage_in_stream &&
	    o->terms->dialect == DIALECT_CHAT)
		return include_usage(o);
	return OWN_DONE;
}

/* Responses stores unless told not to, Chat the other way round. */
static enum own_result
own_store(struct owning *o)
{
	const struct json_value *v = o->at[KEY_STORE];

	if (is_there(v) && v->type != JSON_TRUE && v->type != JSON_FALSE)
		return invalid(o, "store must be true or false");
	if (o->terms->dialect == DIALECT_RESPONSES &&
	    (v == NULL || v->type != JSON_FALSE))
		set(o, "store", "false");
	else if (v != NULL && v->type == JSON_TRUE)
		edits_replace(&o->edits, v, "false");
	return OWN_DONE;
}

/* Or a reasoning model could not go on from what it thought. */
static enum own_result
own_include(struct owning *o)
{
	const struct json_value *reasoning = json_find(o->root, "reasoning");
	const struct json_value *list = o->at[KEY_INCLUDE], *v;
	char room[JSON_WORD_MAX];

	if (o->terms->dialect != DIALECT_RESPONSES ||
	    (!o->terms->encrypted_reasoning &&
		(reasoning == NULL || reasoning->type != JSON_OBJECT)))
		return OWN_DONE;
	if (!is_there(list)) {
		set(o, "include", "[\"" ENCRYPTED "\"]");
		return OWN_DONE;
	}
	if (list->type != JSON_ARRAY)
		return invalid(o, "include must be an array");
	for (v = list->first; v != NULL; v = v->next)
		if (slice_is(json_word(v, room), ENCRYPTED))
			return OWN_DONE;
	edits_push(&o->edits, list, "\"" ENCRYPTED "\"");
	return OWN_DONE;
}

/* A key with its value, if that is a word short enough to be shown. */
static const char *
shown(struct owning *o, const char *what, const struct json_value *v)
{
	if (v == NULL || v->type != JSON_STRING || v->raw.len > VALUE_SHOWN_MAX)
		return what;
	return arena_printf(o->arena, "%s %.*s", what, SLICE_FMT(v->raw));
}

static enum own_result
ask_leave(struct owning *o, unsigned leave, const char *what)
{
	size_t at = (size_t)__builtin_ctz(leave);

	if (o->terms->allowed & leave)
		return OWN_DONE;
	o->out->why = arena_printf(o->arena,
	    "%s %s; the team's entry in mesh.yaml may allow it (allow: [%s])%s",
	    what, allow_meaning(at), allow_name(at),
	    leave == ALLOW_HOSTED_TOOLS
		? ", or the group may leave it out (drop: [hosted_tools])"
		: "");
	return OWN_NOT_ALLOWED;
}

/* Values that ask for no more than the key's absence does. */
static bool
is_plain(enum key key, const struct json_value *v)
{
	static const struct {
		enum key key;
		const char *word;
	} words[] = {
		{ KEY_SERVICE_TIER, "auto" },
		{ KEY_SERVICE_TIER, "default" },
		{ KEY_SERVICE_TIER, "standard_only" },
		{ KEY_SPEED, "standard" },
	};
	char room[JSON_WORD_MAX];
	struct slice word = json_word(v, room);
	size_t i;

	if (!is_there(v))
		return true;
	if (v->type == JSON_FALSE || (v->type == JSON_ARRAY && v->count == 0))
		return rows[key].action == ACTION_ALLOW ||
		       key == KEY_BACKGROUND;
	for (i = 0; i < count_of(words); i++)
		if (words[i].key == key && slice_is(word, words[i].word))
			return true;
	return false;
}

static enum own_result
check_key(struct owning *o, enum key key)
{
	const struct json_value *v = o->at[key];

	if (is_plain(key, v))
		return OWN_DONE;
	if (rows[key].action == ACTION_REFUSE)
		return invalid(o,
		    arena_printf(o->arena,
			"%s is not served, since the provider's account keeps "
			"it for all teams: %s",
			names[key].ptr, rows[key].cure));
	if (rows[key].action == ACTION_ALLOW)
		return ask_leave(o, rows[key].leave,
		    shown(o, names[key].ptr, v));
	return OWN_DONE;
}

static const unsigned tool_classes[TOOL_KINDS] = {
	[TOOL_CLIENT] = ALLOW_NONE,
	[TOOL_HOSTED] = ALLOW_HOSTED_TOOLS,
	[TOOL_MCP] = ALLOW_MCP,
	[TOOL_CONTAINER] = ALLOW_CONTAINERS,
};

static enum own_result
check_tools(struct owning *o)
{
	const struct json_value *search = o->at[KEY_WEB_SEARCH_OPTIONS];
	enum own_result result = OWN_DONE;
	unsigned kind;

	for (kind = TOOL_CLIENT + 1; kind < TOOL_KINDS; kind++) {
		if (o->look.first[kind] == NULL)
			continue;
		result = ask_leave(o, tool_classes[kind],
		    shown(o, "tool", json_find(o->look.first[kind], "type")));
		if (result != OWN_DONE)
			return result;
	}
	return is_there(search) ? ask_leave(o, ALLOW_HOSTED_TOOLS,
				      names[KEY_WEB_SEARCH_OPTIONS].ptr)
				: OWN_DONE;
}

static enum own_result
own_tools(struct owning *o)
{
	bool mcp = (o->terms->allowed & ALLOW_MCP) != 0;

	if (!o->terms->drop_hosted_tools)
		return check_tools(o);
	return hosted_drop(&o->edits, &o->look, mcp,
		   &o->out->dropped_hosted_tools, &o->out->why)
		   ? OWN_DONE
		   : OWN_NOT_ALLOWED;
}

/* What changes account, region or price, or leans on what is kept there. */
static enum own_result
own_extras(struct owning *o)
{
	const struct json_value *file;
	enum own_result result = OWN_DONE;
	unsigned key;

	for (key = 0; key < KEYS && result == OWN_DONE; key++)
		if (o->at[key] != NULL)
			result = check_key(o, (enum key)key);
	if (result != OWN_DONE)
		return result;
	look_body(&o->look, o->root, o->terms->dialect);
	if (o->look.item != NULL)
		return invalid(o,
		    "an item_reference is not served, since the provider's "
		    "account keeps it for all teams: send the item itself, and "
		    "store: false");
	file = o->look.file;
	if (file != NULL)
		result = ask_leave(o, ALLOW_FILES,
		    shown(o, arena_text(o->arena, file->name), file));
	return result == OWN_DONE ? own_tools(o) : result;
}

/* In this order; a request to count makes nothing, so only the first two. */
static enum own_result (*const parts[])(struct owning *o) = {
	own_extras,
	own_model,
	own_cap,
	own_stream,
	own_store,
	own_include,
};

#define PARTS_TO_COUNT 2

enum own_result
own_body(struct owned *out, struct arena *arena, const struct json_value *root,
    const struct own_terms *terms)
{
	bool counts = terms->operation == OPERATION_COUNT;
	size_t i, last = counts ? PARTS_TO_COUNT : count_of(parts);
	enum own_result result = OWN_DONE;
	struct owning o = { .terms = terms,
		.root = root,
		.arena = arena,
		.out = out };

	*out = (struct owned){ 0 };
	if (root->type != JSON_OBJECT)
		return invalid(&o, "the body must be a JSON object");
	edits_init(&o.edits, root, arena);
	json_pick(root, names, KEYS, o.at);
	for (i = 0; i < KEYS; i++)
		if ((rows[i].dialects & (1u << terms->dialect)) == 0)
			o.at[i] = NULL;
	for (i = 0; i < last && result == OWN_DONE; i++)
		result = parts[i](&o);
	if (result == OWN_DONE && o.edits.failed)
		return invalid(&o, "tools lists more than can be left out");
	if (result == OWN_DONE)
		edits_splice(&out->splice, &o.edits);
	return result;
}
