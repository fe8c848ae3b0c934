#include "tests/sim/script.h"

#include <stdlib.h>
#include <string.h>

#define DIRECTIVE "[[sim "

struct word {
	const char *name;
	enum { NUMBER, TEXT, HEADER, MARK, BODY, SAY, CALL } type;
	size_t offset, size;
	uint64_t initial;
	const char *help;
};

#define AT(name)                                                               \
	offsetof(struct script, name), sizeof(((struct script *)0)->name)

static const struct word words[] = {
	{ "status", NUMBER, AT(status), 200,
	    "HTTP status; 400 and more: an error body" },
	{ "body", BODY, AT(body), 0,
	    "error body: a name below, or b64:BASE64 verbatim" },
	{ "retry_after", TEXT, AT(retry_after), 0,
	    "value of the retry-after header" },
	{ "header", HEADER, AT(header), 0,
	    "NAME:VALUE, an answer header; may be repeated" },
	{ "redirect", TEXT, AT(redirect), 0, "answer 302 with this location" },
	{ "close", NUMBER, AT(close), 0,
	    "1: connection: close after the answer" },
	{ "latency_ms", NUMBER, AT(latency_ms), 0,
	    "wait before the head of the answer" },
	{ "first_byte_ms", NUMBER, AT(first_byte_ms), 0,
	    "wait between head and body" },
	{ "interval_ms", NUMBER, AT(interval_ms), 0,
	    "wait between content chunks of a stream" },
	{ "tokens", NUMBER, AT(tokens), 7,
	    "content chunks; chunk i says \"t<i> \"" },
	{ "size", NUMBER, AT(size), 0, "bytes of content in each chunk" },
	{ "huge", NUMBER, AT(huge), 0, "bytes of content in the whole answer" },
	{ "endless", NUMBER, AT(endless), 0, "1: the body never ends" },
	{ "echo", NUMBER, AT(echo), 0,
	    "1: the content is the request, head and body" },
	{ "say", SAY, AT(say), 0, "BASE64: the content, in its first chunk" },
	{ "obliging", NUMBER, AT(obliging), 0,
	    "1: as a capable model: calls the tools it is given, keeps to\n"
	    "                     schema and cap, thinks when it is asked to" },
	{ "finish", TEXT, AT(finish), 0,
	    "finish_reason in place of stop, in the words of chat" },
	{ "thinking", NUMBER, AT(thinking), 0,
	    "chunks of reasoning before the content: \"h<i> \"" },
	{ "blob", TEXT, AT(blob), 0,
	    "its signature or encryption; unset: blob-N-MODEL" },
	{ "refusal", NUMBER, AT(refusal), 0,
	    "chunks \"r<i> \" of refusal in place of the content" },
	{ "call", CALL, AT(calls), 0,
	    "NAME:BASE64 of arguments, a tool call; up to 4, parallel;\n"
	    "                     not after a request that ends in results" },
	{ "custom", NUMBER, AT(custom), 0,
	    "1: they are calls of custom tools (chat, responses)" },
	{ "interleave", NUMBER, AT(interleave), 0,
	    "1: the pieces of parallel calls alternate (chat)" },
	{ "ping", NUMBER, AT(ping), 0,
	    "keep-alives between chunks, interval_ms apart" },
	{ "usage", TEXT, AT(usage), 0, "none: no usage in the answer" },
	{ "prompt", NUMBER, AT(prompt), 12, "usage: prompt_tokens" },
	{ "completion", NUMBER, AT(completion), SCRIPT_UNSET,
	    "usage: completion_tokens; unset: all chunks" },
	{ "cached", NUMBER, AT(cached), 0,
	    "usage: cached tokens among the prompt's" },
	{ "reasoning", NUMBER, AT(reasoning), SCRIPT_UNSET,
	    "usage: reasoning tokens among the completion's;\n"
	    "                     unset: as thinking" },
	{ "cache_write", NUMBER, AT(cache_write), 0,
	    "usage: tokens written to a cache, among the prompt's" },
	{ "cache_write_1h", NUMBER, AT(cache_write_1h), 0,
	    "usage: more of them, to one that lasts an hour" },
	{ "die_before_answer", NUMBER, AT(die_before_answer), 0,
	    "1: read the request, close without a byte" },
	{ "die_on_reused", NUMBER, AT(die_on_reused), 0,
	    "1: the same, when the connection served before" },
	{ "cut_after", MARK, AT(cut_after), 0,
	    "N chunks, or Nb bytes on the wire: then FIN" },
	{ "reset_after", MARK, AT(reset_after), 0, "the same, then RST" },
	{ "stall_after", MARK, AT(stall_after), 0,
	    "the same, then silence on an open connection" },
	{ "no_done", NUMBER, AT(no_done), 0,
	    "1: leave out the event that ends a stream; 2: messages,\n"
	    "                     message_delta too" },
	{ "error_in_stream", NUMBER, AT(error_in_stream), 0,
	    "1: an error event after the content chunks" },
	{ "garbage", TEXT, AT(garbage), 0,
	    "1 not HTTP; json sse html utf8 chunk gzip: 200 and broken so" },
	{ "header_flood", NUMBER, AT(header_flood), 0,
	    "this many more answer headers" },
	{ "continue_flood", NUMBER, AT(continue_flood), 0,
	    "this many 100 Continue before the answer" },
	{ "for_model", TEXT, AT(for_model), 0, "only calls for this model" },
	{ "for_attempt", NUMBER, AT(for_attempt), 0,
	    "only calls with this number at the end of x-gsr-attempt" },
	{ "tag", TEXT, AT(tag), 0,
	    "a test's own mark, told back in log and calls" },
	{ "times", NUMBER, AT(times), 0,
	    "POST /sim/script only: for the next N calls" },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

void
script_init(struct script *s)
{
	size_t i;

	memset(s, 0, offsetof(struct script, arguments));
	for (i = 0; i < WORDS; i++)
		if (words[i].type == NUMBER)
			*(uint64_t *)(void *)((char *)s + words[i].offset) =
			    words[i].initial;
}

static bool
parse_number(const char *value, uint64_t *n, char **end)
{
	if (*value < '0' || *value > '9')
		return false;
	*n = strtoull(value, end, 10);
	return true;
}

static bool
parse_mark(struct mark *m, const char *value)
{
	char *end;

	if (!parse_number(value, &m->at, &end))
		return false;
	m->unit = *end == 'b' ? MARK_BYTES : MARK_CHUNKS;
	return !*end || !strcmp(end, "b") || !strcmp(end, "c");
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* Bytes to have room for a size and a length so far. */
struct room {
	char *at;
	size_t size, *len;
};

static bool
parse_base64(struct room to, const char *value)
{
	unsigned bits = 0;
	int have = 0, digit;

	for (; *value && *value != '='; value++) {
		digit = base64_digit(*value);
		if (digit < 0 || *to.len == to.size)
			return false;
		bits = bits << 6 | (unsigned)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			to.at[(*to.len)++] = (char)(bits >> have);
		}
	}
	return true;
}

static bool
parse_body(struct script *s, const char *value)
{
	struct room room = { s->body, sizeof(s->body), &s->body_len };

	s->body_len = 0;
	if (!strncmp(value, "b64:", 4))
		return parse_base64(room, value + 4);
	if (strlen(value) >= sizeof(s->body))
		return false;
	strcpy(s->body, value);
	return true;
}

static bool
parse_say(struct script *s, const char *value)
{
	struct room room = { s->say, sizeof(s->say), &s->say_len };

	s->say_len = 0;
	return parse_base64(room, value);
}

static bool
parse_header(char *header, size_t size, const char *value)
{
	size_t len = strlen(header);

	if (!strchr(value, ':') || len + strlen(value) + 3 > size)
		return false;
	snprintf(header + len, size - len, "%s\r\n", value);
	return true;
}

static bool
parse_call(struct script *s, const char *value)
{
	struct room room = { s->arguments, sizeof(s->arguments),
		&s->arguments_len };
	struct script_call *call = &s->calls[s->call_count];
	const char *colon = strchr(value, ':');
	size_t n = colon ? (size_t)(colon - value) : 0;

	if (!n || n >= sizeof(call->name) || s->call_count == SCRIPT_CALLS)
		return false;
	memcpy(call->name, value, n);
	call->name[n] = '\0';
	call->from = s->arguments_len;
	if (!parse_base64(room, colon + 1))
		return false;
	call->len = s->arguments_len - call->from;
	s->call_count++;
	return true;
}

static bool
parse_value(struct script *s, const struct word *w, const char *value)
{
	void *field = (char *)s + w->offset;
	char *end;

	switch (w->type) {
	case NUMBER:
		return parse_number(value, field, &end) && !*end;
	case TEXT:
		if (strlen(value) >= w->size)
			return false;
		strcpy(field, value);
		return true;
	case HEADER:
		return parse_header(field, w->size, value);
	case MARK:
		return parse_mark(field, value);
	case BODY:
		return parse_body(s, value);
	case SAY:
		return parse_say(s, value);
	case CALL:
		return parse_call(s, value);
	}
	return false;
}

static bool
parse_word(struct script *s, char *word)
{
	char *value = strchr(word, '=');
	size_t i;

	if (!value)
		return false;
	*value++ = '\0';
	for (i = 0; i < WORDS; i++)
		if (!strcmp(words[i].name, word))
			return parse_value(s, &words[i], value);
	return false;
}

bool
script_parse(struct script *s, const char *text, size_t len, char bad[64])
{
	char copy[SCRIPT_WORDS_MAX], *at, *save;
	bool calls = false;

	snprintf(bad, 64, "%s", "(too long)");
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (at = strtok_r(copy, " \t\r\n", &save); at;
	     at = strtok_r(NULL, " \t\r\n", &save)) {
		snprintf(bad, 64, "%s", at);
		if (!calls && !strncmp(at, "call=", 5)) {
			calls = true;
			s->call_count = s->arguments_len = 0;
		}
		if (!parse_word(s, at))
			return false;
	}
	return true;
}

bool
script_means(const struct script *s, const struct caller *who)
{
	if (s->for_attempt && s->for_attempt != who->attempt)
		return false;
	return !*s->for_model || !strcmp(s->for_model, who->model);
}

bool
script_parse_body(struct script *s, const struct caller *who, const char *body,
    size_t len, char bad[64])
{
	const char *at = body, *end = body + len, *stop;
	struct script next;

	while ((at = memmem(at, (size_t)(end - at), DIRECTIVE,
		    sizeof(DIRECTIVE) - 1))) {
		at += sizeof(DIRECTIVE) - 1;
		stop = memmem(at, (size_t)(end - at), "]]", 2);
		if (!stop)
			return true;
		next = *s;
		if (!script_parse(&next, at, (size_t)(stop - at), bad))
			return false;
		if (script_means(&next, who))
			*s = next;
		at = stop;
	}
	return true;
}

void
script_help(FILE *to)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		fprintf(to, "  %-18s %s\n", words[i].name, words[i].help);
}
