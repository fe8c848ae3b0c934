#include "tests/sim/oblige.h"

#include <stdlib.h>

#include "tests/sim/ask.h"
#include "tests/sim/text.h"

#define THOUGHTS 3

struct json {
	const char *at;
	size_t len; /* 0: there is none */
};

/* The value of a member of an object; \"key\" with its quotes. */
static struct json
member(struct json object, const char *key)
{
	size_t from, end;

	if (!object.len || *object.at != '{')
		return (struct json){ 0 };
	from = ask_find(object.at, object.len, key);
	if (from == object.len)
		return (struct json){ 0 };
	end = ask_end(object.at, object.len, from);
	return (struct json){ object.at + from, end - from };
}

static bool
is(struct json value, const char *text)
{
	while (value.len && strchr(" \t\r\n", value.at[value.len - 1]))
		value.len--;
	return value.len == strlen(text) && !memcmp(value.at, text, value.len);
}

static bool
holds(struct json value, const char *text)
{
	return value.len && memmem(value.at, value.len, text, strlen(text));
}

/* The items of an array, one by one; starts with *at = 0. */
static bool
item(struct json list, size_t *at, struct json *next)
{
	size_t from = *at ? *at : 1, end;

	if (!list.len || *list.at != '[')
		return false;
	while (from < list.len && strchr(" \t\r\n,", list.at[from]))
		from++;
	if (from >= list.len || list.at[from] == ']')
		return false;
	end = ask_end(list.at, list.len, from);
	*next = (struct json){ list.at + from, end - from };
	*at = end;
	return true;
}

static void put_example(struct text *out, struct json schema);

/* {"name":{schema},…}: an example of each. */
static void
put_members(struct text *out, struct json properties)
{
	size_t at = 1, end;
	const char *comma = "", *quote;

	while (at < properties.len) {
		quote = memchr(properties.at + at, '"', properties.len - at);
		if (!quote)
			return;
		at = (size_t)(quote - properties.at);
		end = at + 1;
		while (end < properties.len && properties.at[end] != ':')
			end++;
		text_str(out, comma);
		text_add(out, quote, end - at);
		text_str(out, ":");
		at = end + 1;
		end = ask_end(properties.at, properties.len, at);
		while (at < end && properties.at[at] != '{')
			at++;
		put_example(out, (struct json){ properties.at + at, end - at });
		at = end + 1;
		comma = ",";
	}
}

static void
put_example(struct text *out, struct json schema)
{
	struct json type = member(schema, "\"type\"");

	if (is(type, "\"object\"")) {
		text_str(out, "{");
		put_members(out, member(schema, "\"properties\""));
		text_str(out, "}");
	} else if (is(type, "\"integer\"") || is(type, "\"number\"")) {
		text_str(out, "3");
	} else if (is(type, "\"boolean\"")) {
		text_str(out, "true");
	} else if (is(type, "\"array\"")) {
		text_str(out, "[]");
	} else {
		text_str(out, "\"word\"");
	}
}

static void
add_call(struct script *s, struct json name, struct json schema)
{
	struct script_call *call = &s->calls[s->call_count];
	struct text example = { 0 };

	put_example(&example, schema);
	if (name.len > 2 && name.len - 2 < sizeof(call->name) &&
	    s->arguments_len + example.len <= sizeof(s->arguments)) {
		snprintf(call->name, sizeof(call->name), "%.*s",
		    (int)name.len - 2, name.at + 1);
		call->from = s->arguments_len;
		call->len = example.len;
		memcpy(s->arguments + call->from, example.at, example.len);
		s->arguments_len += example.len;
		s->call_count++;
	}
	text_fini(&example);
}

static void
oblige_tool(struct script *s, struct json tool, struct json choice)
{
	struct json function = member(tool, "\"function\"");
	struct json inner = function.len ? function : tool;
	struct json name = member(inner, "\"name\"");
	struct json schema = member(inner, "\"parameters\"");
	char wanted[128];

	if (!schema.len)
		schema = member(inner, "\"input_schema\"");
	snprintf(wanted, sizeof(wanted), "%.*s", (int)name.len, name.at);
	/* A choice that names a tool names the only one. */
	if (holds(choice, "\"name\"") && !holds(choice, wanted))
		return;
	if (s->call_count < SCRIPT_CALLS)
		add_call(s, name, schema);
}

static void
oblige_tools(struct script *s, struct json body)
{
	struct json choice = member(body, "\"tool_choice\""), tool;
	size_t at = 0;

	/* With results in hand it has something to say. */
	if (holds(choice, "\"none\"") || ask_ends_in_results(body.at, body.len))
		return;
	s->call_count = s->arguments_len = 0;
	while (item(member(body, "\"tools\""), &at, &tool))
		oblige_tool(s, tool, choice);
	if (is(member(body, "\"parallel_tool_calls\""), "false") ||
	    holds(choice, "\"disable_parallel_tool_use\":true"))
		s->call_count = s->call_count ? 1 : 0;
	if (s->call_count)
		s->tokens = 0;
}

/* Each dialect has another place for it. */
static struct json
schema_of(struct json body)
{
	struct json format = member(body, "\"response_format\"");

	if (format.len)
		return member(member(format, "\"json_schema\""), "\"schema\"");
	format = member(member(body, "\"text\""), "\"format\"");
	if (!format.len)
		format =
		    member(member(body, "\"output_config\""), "\"format\"");
	if (!format.len)
		format = member(body, "\"output_format\"");
	return member(format, "\"schema\"");
}

static void
oblige_schema(struct script *s, struct json body)
{
	struct json schema = schema_of(body);
	struct text example = { 0 };

	if (!schema.len)
		return;
	put_example(&example, schema);
	if (example.len <= sizeof(s->say)) {
		memcpy(s->say, example.at, example.len);
		s->say_len = example.len;
	}
	text_fini(&example);
}

static bool
wants_thought(struct json body)
{
	struct json effort = member(body, "\"reasoning_effort\"");
	struct json reasoning = member(body, "\"reasoning\"");
	struct json thinking = member(body, "\"thinking\"");

	return (effort.len && !is(effort, "\"none\"")) ||
	       holds(reasoning, "\"effort\"") ||
	       holds(thinking, "\"enabled\"") ||
	       holds(thinking, "\"adaptive\"");
}

static void
oblige_cap(struct script *s, struct json body)
{
	static const char *const keys[] = { "\"max_tokens\"",
		"\"max_completion_tokens\"", "\"max_output_tokens\"" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct json cap = member(body, keys[i]);
		uint64_t most = cap.len ? strtoull(cap.at, NULL, 10) : 0;

		if (!most || s->tokens <= most)
			continue;
		s->tokens = most;
		strcpy(s->finish, "length");
	}
}

void
oblige(struct script *s, const char *body, size_t len)
{
	struct json whole = { body, len };

	oblige_tools(s, whole);
	oblige_schema(s, whole);
	if (wants_thought(whole) && !s->thinking)
		s->thinking = THOUGHTS;
	oblige_cap(s, whole);
}
