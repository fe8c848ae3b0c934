#pragma once
/*
 * script: a provider's answer, made up by chance, as events of any dialect.
 * Texts and thinking come one after the other, calls in a row at once.
 * For one file of a program; the caller owns the arena.
 */
#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "node/dialect/delta.h"

#define SCRIPT_EVENTS 256
#define SCRIPT_BLOCKS 6
#define SCRIPT_PIECES 4
#define SCRIPT_TEXT   4096

struct script_block {
	enum block_kind what;
	const char *pieces[SCRIPT_PIECES + 2]; /* insides of strings */
	size_t count, told;
	bool patch; /* a call of the freeform tool */
};

struct script {
	struct arena *arena;
	uint64_t seed;
	enum dialect dialect;
	struct script_block blocks[SCRIPT_BLOCKS];
	unsigned blocks_count;
	const char *finish; /* in Chat's words */
	const char *events[SCRIPT_EVENTS];
	size_t count;
};

/* From 0 to below n. */
static unsigned
script_chance(struct script *s, unsigned n)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return (unsigned)(s->seed >> 33) % n;
}

#define say(s, ...)                                                            \
	((s)->events[(s)->count++] = arena_printf((s)->arena, __VA_ARGS__))

static const char *
script_whole(struct script *s, const struct script_block *b)
{
	const char *all = "";
	size_t i;

	for (i = 0; i < b->count; i++)
		all = arena_printf(s->arena, "%s%s", all, b->pieces[i]);
	return all;
}

static void
script_fill(struct script *s, struct script_block *b)
{
	static const char *const words[] = { "a", "b c", "\\n", "\xc3\xa9",
		"\\ud83d\\ude00", "{", ":", "\\u0041", "data: x", "[DONE]" };
	bool json = b->what == BLOCK_CALL;
	size_t i, n = script_chance(s, SCRIPT_PIECES + 1);

	if (json && n > 0)
		b->pieces[b->count++] =
		    b->patch ? "{\\\"input\\\":\\\"" : "{\\\"a\\\":\\\"";
	for (i = 0; i < n; i++)
		b->pieces[b->count++] =
		    words[script_chance(s, json ? 2 : count_of(words))];
	if (json && n > 0)
		b->pieces[b->count++] = "\\\"}";
}

/* Where freeform tools are not known, theirs are functions. */
static void
script_make(struct script *s)
{
	static const char *const finishes[] = { "stop", "length",
		"content_filter" };
	struct script_block *b;

	s->blocks_count = script_chance(s, SCRIPT_BLOCKS + 1);
	s->finish = finishes[script_chance(s, count_of(finishes))];
	for (b = s->blocks; b < s->blocks + s->blocks_count; b++) {
		b->what = (enum block_kind)script_chance(s, BLOCK_CUSTOM + 1);
		b->patch = b->what == BLOCK_CUSTOM;
		if (s->dialect == DIALECT_MESSAGES && b->patch)
			b->what = BLOCK_CALL;
		if (s->dialect == DIALECT_MESSAGES && b->what == BLOCK_REFUSAL)
			b->what = BLOCK_TEXT;
		script_fill(s, b);
	}
}

static bool
script_calls(const struct script_block *b)
{
	return b->what == BLOCK_CALL || b->what == BLOCK_CUSTOM;
}

static const char *
script_name(const struct script_block *b)
{
	return b->patch ? "patch" : "f";
}

/* Chat Completions. */

static void
chat_begin(struct script *s)
{
	say(s, "data: {\"model\":\"up\",\"choices\":[{\"index\":0,\"delta\":{"
	       "\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":"
	       "null}]}");
}

/* The number of the call among the calls. */
static unsigned
chat_place(const struct script *s, unsigned at)
{
	unsigned i, n = 0;

	for (i = 0; i < at; i++)
		n += script_calls(&s->blocks[i]);
	return n;
}

static void
chat_open(struct script *s, unsigned at)
{
	const struct script_block *b = &s->blocks[at];
	bool custom = b->what == BLOCK_CUSTOM;
	const char *type = custom ? "custom" : "function";

	if (script_calls(b))
		say(s,
		    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\""
		    ":[{\"index\":%u,\"id\":\"id%u\",\"type\":\"%s\",\"%s\":{"
		    "\"name\":\"%s\",\"%s\":\"\"}}]}}]}",
		    chat_place(s, at), at, type, type, script_name(b),
		    custom ? "input" : "arguments");
}

static void
chat_piece(struct script *s, unsigned at, const char *piece)
{
	static const char *const fields[] = { [BLOCK_TEXT] = "content",
		[BLOCK_REFUSAL] = "refusal",
		[BLOCK_THINKING] = "reasoning_content" };
	const struct script_block *b = &s->blocks[at];
	bool custom = b->what == BLOCK_CUSTOM;

	if (!script_calls(b))
		say(s,
		    "data: {\"choices\":[{\"index\":0,\"delta\":{\"%s\":\"%s\"}"
		    "}]}",
		    fields[b->what], piece);
	else
		say(s,
		    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\""
		    ":[{\"index\":%u,\"%s\":{\"%s\":\"%s\"}}]}}]}",
		    chat_place(s, at), custom ? "custom" : "function",
		    custom ? "input" : "arguments", piece);
}

static void
chat_end(struct script *s)
{
	say(s,
	    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
	    "\"%s\"}]}",
	    s->finish);
	say(s, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,"
	       "\"completion_tokens\":20,\"prompt_tokens_details\":{"
	       "\"cached_tokens\":30,\"cache_write_tokens\":10},"
	       "\"completion_tokens_details\":{\"reasoning_tokens\":5}}}");
	say(s, "data: [DONE]");
}

static void
chat_close(struct script *s, unsigned at)
{
	(void)s;
	(void)at;
}

/* Responses. */

static void
responses_begin(struct script *s)
{
	say(s, "event: response.created\ndata: {\"type\":\"response.created\","
	       "\"response\":{\"id\":\"resp_up\",\"model\":\"up\"}}");
}

static const char *
responses_item(struct script *s, unsigned at, bool whole)
{
	const struct script_block *b = &s->blocks[at];
	const char *text = whole ? script_whole(s, b) : "";

	if (b->what == BLOCK_THINKING)
		return arena_printf(s->arena,
		    "{\"type\":\"reasoning\",\"summary\":[%s%s%s]%s}",
		    *text ? "{\"type\":\"summary_text\",\"text\":\"" : "", text,
		    *text ? "\"}" : "",
		    whole ? ",\"encrypted_content\":\"blob\"" : "");
	if (script_calls(b))
		return arena_printf(s->arena,
		    "{\"type\":\"%s\",\"call_id\":\"id%u\",\"name\":\"%s\","
		    "\"%s\":\"%s\"}",
		    b->what == BLOCK_CALL ? "function_call"
					  : "custom_tool_call",
		    at, script_name(b),
		    b->what == BLOCK_CALL ? "arguments" : "input", text);
	return arena_printf(s->arena,
	    "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[%s%s%s"
	    "]}",
	    !whole                  ? ""
	    : b->what == BLOCK_TEXT ? "{\"type\":\"output_text\",\"text\":\""
				    : "{\"type\":\"refusal\",\"refusal\":\"",
	    text, whole ? "\"}" : "");
}

static void
responses_open(struct script *s, unsigned at)
{
	say(s,
	    "event: response.output_item.added\ndata: {\"type\":"
	    "\"response.output_item.added\",\"output_index\":%u,\"item\":%s}",
	    at, responses_item(s, at, false));
}

static void
responses_piece(struct script *s, unsigned at, const char *piece)
{
	static const char *const types[] = { [BLOCK_TEXT] = "output_text",
		[BLOCK_REFUSAL] = "refusal",
		[BLOCK_THINKING] = "reasoning_summary_text",
		[BLOCK_CALL] = "function_call_arguments",
		[BLOCK_CUSTOM] = "custom_tool_call_input" };
	const char *type = types[s->blocks[at].what];

	say(s,
	    "event: response.%s.delta\ndata: {\"type\":\"response.%s.delta\","
	    "\"output_index\":%u,\"delta\":\"%s\"}",
	    type, type, at, piece);
}

static void
responses_close(struct script *s, unsigned at)
{
	say(s,
	    "event: response.output_item.done\ndata: {\"type\":"
	    "\"response.output_item.done\",\"output_index\":%u,\"item\":%s}",
	    at, responses_item(s, at, true));
}

static void
responses_end(struct script *s)
{
	bool stops = *s->finish == 's';
	const char *type = stops ? "completed" : "incomplete";

	say(s,
	    "event: response.%s\ndata: {\"type\":\"response.%s\",\"response\":"
	    "{\"status\":\"%s\",\"incomplete_details\":{\"reason\":\"%s\"},"
	    "\"usage\":{\"input_tokens\":100,\"output_tokens\":20,"
	    "\"input_tokens_details\":{\"cached_tokens\":30,\"cache_write_"
	    "tokens\":10},\"output_tokens_details\":{\"reasoning_tokens\":5}}}"
	    "}",
	    type, type, type,
	    *s->finish == 'l' ? "max_output_tokens" : s->finish);
}

/* Messages. */

static void
messages_begin(struct script *s)
{
	say(s, "event: message_start\ndata: {\"type\":\"message_start\","
	       "\"message\":{\"id\":\"msg_up\",\"model\":\"up\",\"usage\":{"
	       "\"input_tokens\":60,\"cache_read_input_tokens\":30,"
	       "\"cache_creation_input_tokens\":10,\"output_tokens\":1}}}");
	say(s, "event: ping\ndata: {\"type\":\"ping\"}");
}

static void
messages_open(struct script *s, unsigned at)
{
	const struct script_block *b = &s->blocks[at];
	const char *block = "\"text\",\"text\":\"\"";

	if (b->what == BLOCK_THINKING)
		block = "\"thinking\",\"thinking\":\"\",\"signature\":\"\"";
	else if (b->what == BLOCK_CALL)
		block = arena_printf(s->arena,
		    "\"tool_use\",\"id\":\"id%u\",\"name\":\"%s\",\"input\":{}",
		    at, script_name(b));
	say(s,
	    "event: content_block_start\ndata: {\"type\":\"content_block_"
	    "start\",\"index\":%u,\"content_block\":{\"type\":%s}}",
	    at, block);
}

static void
messages_piece(struct script *s, unsigned at, const char *piece)
{
	static const char *const deltas[] = { [BLOCK_TEXT] =
						  "text_delta\",\"text",
		[BLOCK_THINKING] = "thinking_delta\",\"thinking",
		[BLOCK_CALL] = "input_json_delta\",\"partial_json" };

	say(s,
	    "event: content_block_delta\ndata: {\"type\":\"content_block_"
	    "delta\",\"index\":%u,\"delta\":{\"type\":\"%s\":\"%s\"}}",
	    at, deltas[s->blocks[at].what], piece);
}

static void
messages_close(struct script *s, unsigned at)
{
	if (s->blocks[at].what == BLOCK_THINKING)
		say(s,
		    "event: content_block_delta\ndata: {\"type\":\"content_"
		    "block_delta\",\"index\":%u,\"delta\":{\"type\":"
		    "\"signature_delta\",\"signature\":\"blob\"}}",
		    at);
	say(s,
	    "event: content_block_stop\ndata: {\"type\":\"content_block_stop"
	    "\",\"index\":%u}",
	    at);
}

static void
messages_end(struct script *s)
{
	say(s,
	    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\""
	    ":{\"stop_reason\":\"%s\"},\"usage\":{\"output_tokens\":20,"
	    "\"output_tokens_details\":{\"thinking_tokens\":5}}}",
	    *s->finish == 's'   ? "end_turn"
	    : *s->finish == 'l' ? "max_tokens"
				: "refusal");
	say(s, "event: message_stop\ndata: {\"type\":\"message_stop\"}");
}

static const struct {
	void (*begin)(struct script *s);
	void (*open)(struct script *s, unsigned at);
	void (*piece)(struct script *s, unsigned at, const char *piece);
	void (*close)(struct script *s, unsigned at);
	void (*end)(struct script *s);
} script_dialects[DIALECTS] = {
	[DIALECT_CHAT] = { chat_begin, chat_open, chat_piece, chat_close,
	    chat_end },
	[DIALECT_RESPONSES] = { responses_begin, responses_open,
	    responses_piece, responses_close, responses_end },
	[DIALECT_MESSAGES] = { messages_begin, messages_open, messages_piece,
	    messages_close, messages_end },
};

/* Blocks from..to-1 at once, piece by piece as chance has it. */
static void
script_tell(struct script *s, unsigned from, unsigned to)
{
	struct script_block *b;
	unsigned at, left = 0;

	for (at = from; at < to; at++) {
		script_dialects[s->dialect].open(s, at);
		left += (unsigned)s->blocks[at].count;
	}
	while (left > 0) {
		at = from + script_chance(s, to - from);
		b = &s->blocks[at];
		if (b->told == b->count)
			continue;
		script_dialects[s->dialect].piece(s, at, b->pieces[b->told++]);
		left--;
	}
	for (at = from; at < to; at++)
		script_dialects[s->dialect].close(s, at);
}

/* The arena is the caller's and has to outlive the script. */
static void
script_init(struct script *s, struct arena *arena, enum dialect dialect,
    uint64_t seed)
{
	unsigned from, to;

	*s = (struct script){ .arena = arena,
		.seed = seed * 2654435761u + 88172645463325252u,
		.dialect = dialect };
	script_make(s);
	script_dialects[dialect].begin(s);
	for (from = 0; from < s->blocks_count; from = to) {
		to = from + 1;
		while (to < s->blocks_count && script_calls(&s->blocks[from]) &&
		       script_calls(&s->blocks[to]))
			to++;
		script_tell(s, from, to);
	}
	script_dialects[dialect].end(s);
}

#undef say
