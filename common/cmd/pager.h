#pragma once
/*
 * pager: as many rows of a member as one likes, newest first, on standard
 * output: page by page from its running daemon, or from its store when none
 * runs.  Neither process has more than a page in memory.
 */
#include "common/member/listing.h"

#define PAGER_WORDS_MAX 24

/* Of an option that was not given the value is NULL. */
struct pager_word {
	const char *name, *value; /* as wish_take has them */
};

struct pager {
	const char *state, *path; /* of the daemon's route */
	enum row_kind kind;
	struct pager_word words[PAGER_WORDS_MAX];
	const char *limit; /* "all", a number, NULL: SEARCH_LIMIT */
	const char *format;
	bool json, watch; /* --json is --format json */
};

/* Gives the exit status. */
int pager_run(const struct pager *p);

/* The options that each of its commands has, behind --state. */
#define PAGER_TEXT(type, member, word, value, help)                            \
	{                                                                      \
		word, value, OPTION_TEXT, offsetof(type, member), false, 0, 0, \
		    help                                                       \
	}
#define PAGER_OPTIONS(type)                                                    \
	PAGER_TEXT(type, since, "since", "SPAN",                               \
	    "only what came in the last 90s, 15m, 2h, 7d"),                    \
	    PAGER_TEXT(type, from, "from", "TIME",                             \
		"only what came from then on: 2026-11-26, "                    \
		"2026-11-26T07:00Z, 2h (ago)"),                                \
	    PAGER_TEXT(type, to, "to", "TIME", "only what came before then"),  \
	    PAGER_TEXT(type, before, "before", "ID",                           \
		"only what is older than this row"),                           \
	    PAGER_TEXT(type, after, "after", "ID",                             \
		"only what is newer than this row"),                           \
	    PAGER_TEXT(type, limit, "limit", "N",                              \
		"newest rows to show, or all; 20"),                            \
	    PAGER_TEXT(type, format, "format", "NAME",                         \
		"text, json, jsonl or csv; text"),                             \
	    JSON_OPTION(type), WATCH_OPTION(type)
/* --since is --from, said shorter. */
#define PAGER_WORDS(o)                                                         \
	{ "from", (o)->since }, { "from", (o)->from }, { "to", (o)->to },      \
	    { "before", (o)->before },                                         \
	{                                                                      \
		"after", (o)->after                                            \
	}
#define PAGER_MEMBERS                                                          \
	const char *since, *from, *to, *before, *after, *limit, *format;       \
	bool json, watch
