#pragma once
/*
 * tool: who runs the tools that a request lists, and what its tool_choice
 * asks for, in any dialect.  An unknown type counts as the provider's, since
 * only that can cost.  Pure.
 */
#include "common/llm/dialect.h"

struct json_value;

enum tool_kind {
	TOOL_CLIENT,    /* the caller runs it */
	TOOL_HOSTED,    /* the provider runs it */
	TOOL_MCP,       /* the provider calls a server for it */
	TOOL_CONTAINER, /* the provider runs the model's code */
	TOOL_KINDS
};

enum tool_kind tool_kind(const struct json_value *tool, enum dialect d);

enum choice_mode {
	CHOICE_AUTO, /* also when nothing is said */
	CHOICE_NONE,
	CHOICE_ANY,  /* one has to be called, the model chooses which */
	CHOICE_NAMED /* this one has to be called */
};

struct tool_choice {
	enum choice_mode mode;
	bool one_at_a_time; /* several calls in one answer are forbidden */
	bool names_hosted;  /* names one that the caller does not run */
};

/* False when the body's tool_choice is of a wrong type. */
must_check bool tool_choice_read(struct tool_choice *choice,
    const struct json_value *root, enum dialect d);
