#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/format/weave.h"
#include "node/dialect/messages/messages.h"

/*
 * The API wants a cap.  Neither the caller nor the terms have one: room for a
 * long answer that every model of this API can give.
 */
#define OUTPUT_CAP_DEFAULT 8192
#define BUDGET_MIN         1024 /* thinking tokens that the API takes */
#define MARKS_MAX          4    /* cache marks in a request */
#define NUMBER_MAX         32

#define NO_SCHEMA "{\"type\":\"object\",\"properties\":{}}"
#define INPUT_SCHEMA                                                           \
	"{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"            \
	"\"string\"}},\"required\":[\"input\"],\"additionalProperties\":"      \
	"false}"
#define JSON_ONLY                                                              \
	"Answer with one valid JSON object and nothing else: no text around "  \
	"it, no code fence."

const struct message *
messages_first(const struct turn *t)
{
	const struct message *m = t->messages;

	while (
	    m != NULL && (m->role == TURN_SYSTEM || m->role == TURN_DEVELOPER))
		m = m->next;
	return m;
}

bool
messages_blank(struct slice raw)
{
	struct slice s = raw_inside(raw);
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] == ' ')
			continue;
		if (s.ptr[i] != '\\' || i + 1 == s.len ||
		    strchr("ntr", s.ptr[i + 1]) == NULL)
			return false;
		i++;
	}
	return true;
}

/* Other dialects say for how long in other words: 30m or 12h. */
void
messages_put_mark(struct messages_writing *m, struct slice mark)
{
	bool hours = mark.len > 0 && memmem(mark.ptr, mark.len, "h\"", 2);

	if (mark.len == 0)
		return;
	if (m->marks_over > 0) {
		m->marks_over--;
		return;
	}
	weave_field(m->w, "cache_control",
	    m->t->from == DIALECT_MESSAGES ? mark
	    : hours ? slice_of("{\"type\":\"ephemeral\",\"ttl\":\"1h\"}")
		    : slice_of("{\"type\":\"ephemeral\"}"));
}

static unsigned
marks_of(const struct part *p)
{
	unsigned n = 0;

	for (; p != NULL; p = p->next)
		n += (p->cache.len > 0) + marks_of(p->content);
	return n;
}

static unsigned
count_marks(const struct turn *t)
{
	const struct message *m;
	const struct tool *tool;
	unsigned n = 0;

	for (tool = t->tools; tool != NULL; tool = tool->next)
		n += tool->cache.len > 0;
	for (m = t->messages; m != NULL; m = m->next)
		n += marks_of(m->parts);
	return n;
}

/* How the model is to think; the two ways of it exclude each other. */
struct thinking {
	bool off, on;
	int64_t budget; /* tokens; 0: as the model thinks fit */
	int64_t cap;    /* tokens of output, thoughts included */
};

static int64_t
cap_of(const struct turn *t, const struct target_terms *terms)
{
	if (terms->output_cap > 0)
		return terms->output_cap;
	return t->output_cap > 0 ? t->output_cap : OUTPUT_CAP_DEFAULT;
}

static bool
has_call(const struct message *m)
{
	const struct part *p;

	for (p = m->parts; p != NULL; p = p->next)
		if (p->kind == PART_CALL)
			return true;
	return false;
}

/*
 * Does the conversation go on from results of calls that were not begun by
 * thinking?  With a budget the API refuses that.
 */
static bool
loop_without_thinking(const struct turn *t)
{
	const struct message *m, *last = NULL;

	for (m = t->messages; m != NULL; m = m->next) {
		if (m->role == TURN_ASSISTANT && has_call(m))
			last = m;
		else if (m->beyond_results)
			last = NULL;
	}
	return last != NULL && (last->parts->kind != PART_THINKING ||
				   last->parts->blob.len == 0);
}

static struct thinking
thinking_of(const struct turn *t, const struct target_terms *terms)
{
	struct thinking k = { .cap = cap_of(t, terms) };
	bool prefill = t->last != NULL && t->last->role == TURN_ASSISTANT &&
		       !has_call(t->last);
	bool forced = t->choice == CHOICE_ANY || t->choice == CHOICE_ONE;

	if (!terms->reasons)
		return k;
	k.off = t->thinking_off || t->effort == EFFORT_NONE;
	/* The API thinks neither on from given words nor with a forced call. */
	if (k.off || prefill || forced)
		return k;
	k.on = t->effort != EFFORT_UNSET || t->thinking_budget > 0;
	if (t->thinking_budget == 0)
		return k;
	k.budget = max_i64(t->thinking_budget, BUDGET_MIN);
	if (!terms->count)
		k.budget = min_i64(k.budget, k.cap - 1);
	k.on = k.budget >= BUDGET_MIN && !loop_without_thinking(t);
	return k;
}

static void
put_thinking(struct messages_writing *m, const struct thinking *k)
{
	struct json_writer *j = &m->w->json;

	if (!k->on && !k->off)
		return;
	json_key(j, "thinking");
	json_open(j, '{');
	json_field_text(j, "type",
	    slice_of(k->off          ? "disabled"
		     : k->budget > 0 ? "enabled"
				     : "adaptive"));
	if (k->on && k->budget > 0)
		json_field_int(j, "budget_tokens", k->budget);
	if (k->on && m->t->thoughts_shown == TO_YES)
		json_field_text(j, "display", slice_of("summarized"));
	json_close(j, '}');
}

/* What is too long to be read counts as less. */
static bool
is_one_or_more(struct slice raw)
{
	char text[NUMBER_MAX];

	if (raw.len >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", SLICE_FMT(raw));
	return strtod(text, NULL) >= 1;
}

/*
 * Newer models take one of temperature and top_p only; either is 1 unless
 * said.
 */
struct sampling {
	bool hot;                /* a temperature of 1, or more */
	bool top;                /* a top_p that says something */
	bool temperature, top_p; /* to be written */
};

static struct sampling
sampling_of(const struct turn *t)
{
	struct sampling s = {
		.hot = t->temperature.len > 0 && is_one_or_more(t->temperature),
		.top = t->top_p.len > 0 && !is_one_or_more(t->top_p),
	};

	s.temperature = t->temperature.len > 0 && !(s.hot && s.top);
	s.top_p = s.top && !s.temperature;
	return s;
}

static void
put_sampling(struct messages_writing *m)
{
	const struct turn *t = m->t;
	struct sampling s = sampling_of(t);

	if (s.temperature)
		weave_field(m->w, "temperature",
		    s.hot ? slice_of("1") : t->temperature);
	if (s.top_p)
		weave_field(m->w, "top_p", t->top_p);
	weave_field(m->w, "top_k", t->top_k);
}

static void
put_stops(struct messages_writing *m)
{
	size_t i;

	if (m->t->stops_count == 0)
		return;
	json_key(&m->w->json, "stop_sequences");
	json_open(&m->w->json, '[');
	for (i = 0; i < m->t->stops_count; i++)
		weave_raw(m->w, m->t->stops[i]);
	json_close(&m->w->json, ']');
}

static const struct {
	const char *theirs, *ours;
} tiers[] = {
	{ "auto", "\"auto\"" },
	{ "priority", "\"auto\"" },
	{ "default", "\"standard_only\"" },
};

static void
put_labels(struct messages_writing *m)
{
	struct json_writer *j = &m->w->json;
	size_t i;

	if (m->t->user.len > 0) {
		json_key(j, "metadata");
		json_open(j, '{');
		weave_field(m->w, "user_id", m->t->user);
		json_close(j, '}');
	}
	for (i = 0; i < count_of(tiers); i++)
		if (raw_is(m->t->service_tier, tiers[i].theirs))
			weave_field(m->w, "service_tier",
			    slice_of(tiers[i].ours));
}

static void
put_config(struct messages_writing *m, const struct target_terms *terms)
{
	struct json_writer *j = &m->w->json;
	enum effort effort = m->t->effort;
	bool says = terms->reasons && effort > EFFORT_NONE &&
		    m->t->thinking_budget == 0;
	bool schema = m->t->format == FORMAT_SCHEMA;

	if (!says && !schema)
		return;
	json_key(j, "output_config");
	json_open(j, '{');
	if (says)
		json_field_text(j, "effort",
		    slice_of(effort_name(
			effort == EFFORT_MINIMAL ? EFFORT_LOW : effort)));
	if (schema) {
		json_key(j, "format");
		json_open(j, '{');
		json_field_text(j, "type", slice_of("json_schema"));
		weave_field(m->w, "schema",
		    m->t->format_schema.len > 0 ? m->t->format_schema
						: slice_of(NO_SCHEMA));
		json_close(j, '}');
	}
	json_close(j, '}');
}

/* The API wants the type in it, which others take for granted. */
static void
put_typed_schema(struct messages_writing *m, const struct json_index *schema)
{
	struct json_writer *j = &m->w->json;
	size_t i;

	json_key(j, "input_schema");
	json_open(j, '{');
	json_field_text(j, "type", slice_of("object"));
	for (i = 0; i < schema->count; i++) {
		json_put_raw(j, slice_make(schema->members[i].key.ptr - 1,
				    schema->members[i].key.len + 2));
		buf_putc(j->out, ':');
		j->comma = false;
		weave_raw(m->w, schema->members[i].raw);
	}
	json_close(j, '}');
}

static void
put_schema(struct messages_writing *m, struct slice schema)
{
	struct json_index index;
	struct json_error error;
	bool read = json_index(&index, m->t->arena, schema, &error);

	if (schema.len == 0 || (read && index.count == 0))
		weave_field(m->w, "input_schema", slice_of(NO_SCHEMA));
	else if (read && json_index_find(&index, "type") == NULL)
		put_typed_schema(m, &index);
	else
		weave_field(m->w, "input_schema", schema);
}

/* Of a freeform tool: what it says, and the grammar of its input. */
static void
put_grammar(struct messages_writing *m, const struct tool *tool)
{
	if (tool->definition.len == 0) {
		weave_field(m->w, "description", tool->description);
		return;
	}
	json_key(&m->w->json, "description");
	weave_string_begin(m->w);
	weave_inside(m->w, raw_inside(tool->description));
	weave_text(m->w, "\\n\\nThe input is text after this grammar (");
	weave_inside(m->w, raw_inside(tool->syntax));
	weave_text(m->w, "):\\n");
	weave_inside(m->w, raw_inside(tool->definition));
	weave_string_end(m->w);
}

static void
put_tool(struct messages_writing *m, const struct tool *tool)
{
	struct json_writer *j = &m->w->json;

	json_open(j, '{');
	json_field_text(j, "name", tool->wire);
	if (tool->kind == TOOL_CUSTOM) {
		put_grammar(m, tool);
		weave_field(m->w, "input_schema", slice_of(INPUT_SCHEMA));
	} else {
		weave_field(m->w, "description", tool->description);
		put_schema(m, tool->schema);
		if (slice_is(tool->strict, "true"))
			weave_field(m->w, "strict", tool->strict);
	}
	messages_put_mark(m, tool->cache);
	json_close(j, '}');
}

static bool
put_tools(struct messages_writing *m)
{
	const struct tool *tool = m->t->tools;
	bool any = false;

	for (; tool != NULL; tool = tool->next) {
		if (tool->kind == TOOL_HOSTED)
			continue;
		if (!any) {
			json_key(&m->w->json, "tools");
			json_open(&m->w->json, '[');
		}
		any = true;
		put_tool(m, tool);
	}
	if (any)
		json_close(&m->w->json, ']');
	return any;
}

static const char *const choices[] = {
	[CHOICE_UNSET] = "auto",
	[CHOICE_AUTO] = "auto",
	[CHOICE_NONE] = "none",
	[CHOICE_ANY] = "any",
	[CHOICE_ONE] = "tool",
};

static void
put_choice(struct messages_writing *m)
{
	struct json_writer *j = &m->w->json;
	const struct turn *t = m->t;
	bool single = t->parallel == TO_NO && t->choice != CHOICE_NONE;

	if (t->choice == CHOICE_UNSET && !single)
		return;
	json_key(j, "tool_choice");
	json_open(j, '{');
	json_field_text(j, "type", slice_of(choices[t->choice]));
	if (t->choice == CHOICE_ONE)
		json_field_text(j, "name", t->chosen->wire);
	if (single)
		json_field_bool(j, "disable_parallel_tool_use", true);
	json_close(j, '}');
}

/* The array begins with the first of them. */
static void
put_system_text(struct messages_writing *m, struct slice raw, struct slice mark,
    bool *any)
{
	struct json_writer *j = &m->w->json;

	if (!*any) {
		json_key(j, "system");
		json_open(j, '[');
	}
	*any = true;
	json_open(j, '{');
	json_field_text(j, "type", slice_of("text"));
	weave_field(m->w, "text", raw);
	messages_put_mark(m, mark);
	json_close(j, '}');
}

/* The leading prompts; `end` is the first message that is none. */
static void
put_system(struct messages_writing *m, const struct message *end)
{
	struct json_writer *j = &m->w->json;
	const struct message *at;
	const struct part *p;
	bool any = false;

	for (at = m->t->messages; at != end; at = at->next)
		for (p = at->parts; p != NULL; p = p->next)
			if (p->kind == PART_TEXT && !messages_blank(p->text))
				put_system_text(m, p->text, p->cache, &any);
	if (m->t->format == FORMAT_JSON)
		put_system_text(m, slice_of("\"" JSON_ONLY "\""),
		    slice_make(NULL, 0), &any);
	if (any)
		json_close(j, ']');
}

static void
put_limits(struct messages_writing *m, const struct thinking *k)
{
	if (m->t->stream)
		json_field_bool(&m->w->json, "stream", true);
	json_field_int(&m->w->json, "max_tokens", k->cap);
	if (!k->on)
		put_sampling(m);
	put_stops(m);
}

void
messages_limits(struct carry_list *beyond, const struct turn *t,
    const struct target_terms *terms)
{
	struct thinking k = thinking_of(t, terms);
	struct sampling s = sampling_of(t);

	if (k.on) {
		carry_note(beyond, CARRY_TEMPERATURE);
		carry_note(beyond, CARRY_TOP_K);
	}
	if (k.on || (s.top && !s.top_p))
		carry_note(beyond, CARRY_TOP_P);
	if (!k.on && !k.off)
		carry_note(beyond, CARRY_THINKING_BUDGET);
}

void
messages_write(struct weave *out, const struct turn *t,
    const struct target_terms *terms)
{
	struct messages_writing m = { .w = out, .t = t };
	const struct message *first = messages_first(t);
	const struct message *from = first != NULL ? first : t->messages;
	struct thinking k = thinking_of(t, terms);
	unsigned marks = count_marks(t);

	m.marks_over = marks > MARKS_MAX ? marks - MARKS_MAX : 0;
	json_open(&out->json, '{');
	json_field_text(&out->json, "model", terms->model);
	if (!terms->count) {
		put_limits(&m, &k);
		put_labels(&m);
	}
	put_thinking(&m, &k);
	put_config(&m, terms);
	if (put_tools(&m))
		put_choice(&m);
	put_system(&m, from);
	messages_write_history(&m, from);
	json_close(&out->json, '}');
}
