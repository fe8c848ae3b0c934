#pragma once
/*
 * look: what lies inside of a request, at any depth: media, references into
 * the provider's account, and who runs the tools.  What is opaque to the
 * provider (schemas, arguments) is not looked into.  Pure.
 */
#include "common/llm/tool.h"

struct look {
	enum dialect dialect;
	bool images, documents, audio;
	size_t tools[TOOL_KINDS]; /* listed, by who runs them */
	const struct json_value *first[TOOL_KINDS]; /* of those, or NULL */
	const struct json_value *file; /* first reference to a stored file */
	const struct json_value *item; /* first reference to a stored item */
};

/* Of a body that is an object; wrong types are passed by. */
void look_body(struct look *look, const struct json_value *root,
    enum dialect d);
