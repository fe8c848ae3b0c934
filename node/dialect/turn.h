#pragma once
/*
 * turn: what a caller asks for, in no dialect.  A caller's face makes it from
 * a parsed body, a target's face writes a body from it.  Text stays as it
 * stood: a `raw` slice is a whole JSON value with its quotes or braces (an
 * empty one: not there), so that nothing is unescaped that need not be.
 * Everything lies in the request's arena or in its body.  Pure.
 */
#include "common/base/slice.h"
#include "common/llm/shape.h"
#include "node/dialect/carry.h"
#include "node/dialect/effort.h"
#include "node/dialect/part.h"
#include "node/dialect/raw.h"

struct arena;
struct json_value;

#define TOOLS_MAX       1024
#define TOOLS_NAMED_MAX (16 * TOOLS_MAX) /* the same again included */

enum tool_kind {
	TOOL_FUNCTION,
	TOOL_CUSTOM, /* freeform text in, perhaps by a grammar */
	TOOL_HOSTED  /* the provider runs it: no other target can */
};

struct tool {
	struct tool *next;
	enum tool_kind kind;
	struct slice name;        /* raw; HOSTED: raw type */
	struct slice space;       /* raw; its namespace, or empty */
	struct slice description; /* raw */
	struct slice schema;      /* FUNCTION: raw object; empty: none */
	struct slice strict;      /* raw */
	struct slice syntax;      /* CUSTOM: raw, "lark" or "regex" */
	struct slice definition;  /* CUSTOM: raw, the grammar */
	struct slice cache;       /* raw */
	bool search; /* a Responses caller's tool_search: finds more tools */
	/* What targets call it: plain, space__name, at most 64 characters. */
	struct slice wire;
};

enum choice { CHOICE_UNSET, CHOICE_AUTO, CHOICE_NONE, CHOICE_ANY, CHOICE_ONE };

enum answer_to { TO_UNSET, TO_YES, TO_NO };

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_SCHEMA };

struct turn {
	struct arena *arena;
	enum dialect from;
	struct message *messages, **tail, *last;
	size_t messages_count;

	struct tool *tools, **tools_tail;
	size_t tools_count; /* a face refuses more than TOOLS_MAX */
	size_t tools_named; /* and than TOOLS_NAMED_MAX of these */
	enum choice choice;
	const struct tool *chosen; /* CHOICE_ONE */
	enum answer_to parallel;   /* several calls at a time? */

	enum effort effort;
	int64_t thinking_budget; /* tokens; 0: none said */
	bool thinking_off;
	enum answer_to thoughts_shown; /* summaries of them, readable */

	enum format format;
	struct slice format_name, format_schema, format_strict; /* raw */
	struct slice format_description;                        /* raw */

	bool stream;
	int64_t output_cap;                     /* tokens; 0: none said */
	struct slice temperature, top_p, top_k; /* raw numbers */
	const struct slice *stops;              /* raw strings */
	size_t stops_count;
	struct slice user, cache_key, verbosity, service_tier; /* raw strings */
	struct slice metadata;                                 /* raw object */
	struct slice seed, presence_penalty, frequency_penalty; /* raw */
	struct slice logit_bias, logprobs, top_logprobs;        /* raw */

	/* What is in there that some dialect cannot carry (carry.h). */
	struct carry_list carried;
};

void turn_init(struct turn *t, struct arena *arena, enum dialect from);

/* A new message at the end. */
struct message *turn_message(struct turn *t, enum turn_role role);

/*
 * The last message if it is this role's, else a new one: for dialects that
 * say an assistant's thinking, text and calls one by one.
 */
struct message *turn_go_on(struct turn *t, enum turn_role role);

/* Where results go: a last user message that has only results, or a new one. */
struct message *turn_results(struct turn *t);

/* A result of a call in that message: it leads the user message behind it,
 * whatever else was said since. */
struct part *turn_late_result(struct turn *t, struct message *m);

struct part *turn_part(struct turn *t, struct message *m, enum part_kind kind);
struct part *turn_result_part(struct turn *t, struct part *result,
    enum part_kind kind);

/* A new tool; its name is set, so that the wire name is made.  Of two of the
 * same wire name the later one counts: NULL is never given. */
struct tool *turn_tool(struct turn *t, enum tool_kind kind, struct slice name,
    struct slice space);

/* By the name that targets know, plain; NULL when there is none. */
const struct tool *turn_tool_by_wire(const struct turn *t, struct slice wire);

/* By raw name and raw space (empty: any); NULL when there is none. */
const struct tool *turn_tool_named(const struct turn *t, struct slice name,
    struct slice space);

/* The wire name of a call in the history, plain. */
struct slice turn_call_wire(const struct turn *t, const struct part *call);

/*
 * A call's arguments, whichever way the caller wrote them: as a raw JSON
 * string, or as a raw JSON object.  Text that is no object becomes
 * {"_raw":"…"}; the input of a custom call becomes {"input":"…"}.
 */
struct slice turn_call_arguments(const struct turn *t, const struct part *call);
struct slice turn_call_object(const struct turn *t, const struct part *call);

/*
 * Take "data:MEDIA;base64,DATA" from a raw string into an image or a file, or
 * else take it as a URL.  False when it is neither that nor http(s).
 */
must_check bool turn_take_url(struct turn *t, struct part *p, struct slice raw);
