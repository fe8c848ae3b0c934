#pragma once
/*
 * script: what the provider does with a call, as words key=value.  The table
 * of words in script.c is the grammar, the defaults and the help.  A call's
 * script is the default one, overridden by the words between "[[sim" and
 * "]]" anywhere in its body.  Nothing here fails but parsing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SCRIPT_UNSET     UINT64_MAX
#define SCRIPT_CALLS     4
#define SCRIPT_WORDS_MAX 8192 /* bytes of words at a time */

/* A place in an answer. */
struct mark {
	enum { MARK_NONE, MARK_CHUNKS, MARK_BYTES } unit;
	uint64_t at; /* content chunks, or bytes on the wire from "HTTP" */
};

/* A tool call; its arguments are a place among those of all calls. */
struct script_call {
	char name[64];
	size_t from, len;
};

struct script {
	uint64_t status, latency_ms, first_byte_ms, interval_ms;
	uint64_t tokens, size, huge;
	uint64_t thinking, refusal, custom, interleave, ping;
	uint64_t prompt, completion, cached, reasoning;
	uint64_t cache_write, cache_write_1h;
	uint64_t die_before_answer, die_on_reused, close;
	uint64_t no_done, error_in_stream, echo, endless;
	uint64_t header_flood, continue_flood;
	uint64_t times, for_attempt, obliging;
	struct mark cut_after, reset_after, stall_after;
	size_t body_len, say_len, call_count;
	struct script_call calls[SCRIPT_CALLS];
	char garbage[16], usage[16], retry_after[32], finish[32];
	char for_model[64], tag[64], blob[256], redirect[256], header[512];
	char body[1024], say[1024];
	size_t arguments_len;
	char arguments[SCRIPT_WORDS_MAX]; /* last: need not be zeroed */
};

void script_init(struct script *s);

/*
 * False, with the bad word in bad (a string), at a word that is none.  Calls
 * take the place of those that were there, so that a prompt which a client
 * sends twice makes them once.
 */
bool script_parse(struct script *s, const char *words, size_t len,
    char bad[64]);

/* Who is calling, for the words for_model and for_attempt. */
struct caller {
	const char *model;
	uint64_t attempt; /* the number, 0 when the caller gave none */
};

/* Whether the script means this caller. */
bool script_means(const struct script *s, const struct caller *who);

/* Apply each "[[sim ...]]" of the body that means this caller. */
bool script_parse_body(struct script *s, const struct caller *who,
    const char *body, size_t len, char bad[64]);

/* One line a word. */
void script_help(FILE *to);
