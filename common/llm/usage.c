#include "common/llm/usage.h"

#include "common/format/json.h"

#define BYTES_A_TOKEN 4
/* Far beyond any real answer; keeps sums and costs inside 64 bits. */
#define TOKENS_MAX 1000000000000

#define PAIR_BYTES    128 /* of a name with those around it, and a number */
#define NAME_BYTES    95
#define FIGURES_DEPTH 4

static const char *const source_names[] = { "none", "provider", "partial",
	"estimated" };

const char *
usage_source_name(enum usage_source s)
{
	return source_names[s];
}

enum usage_source
usage_source_by_name(struct slice name)
{
	size_t i;

	for (i = 0; i < count_of(source_names); i++)
		if (slice_is(name, source_names[i]))
			return (enum usage_source)i;
	return USAGE_NONE;
}

static int64_t
clamp(int64_t n, int64_t max)
{
	return max_i64(0, min_i64(n, max));
}

/* Can the name stand in a list of pairs as it is? */
static bool
is_plain(struct slice name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' ||
		    name.ptr[i] == '=')
			return false;
	return name.len > 0;
}

/*
 * OpenRouter states what it charged, Perplexity as the total of a list.  Kept
 * as it was written; of a number too long for the field the last decimals go.
 */
static void
note_cost(struct usage *usage, const struct json_value *cost)
{
	struct slice raw;

	if (cost != NULL && cost->type == JSON_OBJECT)
		cost = json_find(cost, "total_cost");
	if (cost == NULL || cost->type != JSON_NUMBER)
		return;
	raw = cost->raw;
	if (raw.len >= sizeof(usage->provider_cost)) {
		const char *point = memchr(raw.ptr, '.', raw.len);

		raw.len = sizeof(usage->provider_cost) - 1;
		if (point == NULL || point >= raw.ptr + raw.len ||
		    memchr(cost->raw.ptr, 'e', cost->raw.len) != NULL ||
		    memchr(cost->raw.ptr, 'E', cost->raw.len) != NULL)
			return;
	}
	memcpy(usage->provider_cost, raw.ptr, raw.len);
	usage->provider_cost[raw.len] = '\0';
}

/* Where a dialect has its figures; a NULL group: beside the others. */
static const struct words {
	const char *input, *output;
	const char *input_parts, *read, *write;
	const char *output_parts, *reasoning;
	bool inclusive; /* the input includes what was cached */
} words_of[DIALECTS] = {
	[DIALECT_CHAT] = { "prompt_tokens", "completion_tokens",
	    "prompt_tokens_details", "cached_tokens", "cache_write_tokens",
	    "completion_tokens_details", "reasoning_tokens", true },
	[DIALECT_RESPONSES] = { "input_tokens", "output_tokens",
	    "input_tokens_details", "cached_tokens", "cache_write_tokens",
	    "output_tokens_details", "reasoning_tokens", true },
	[DIALECT_MESSAGES] = { "input_tokens", "output_tokens", NULL,
	    "cache_read_input_tokens", "cache_creation_input_tokens",
	    "output_tokens_details", "thinking_tokens", false },
};

int64_t
usage_written(const struct usage *u)
{
	return u->cache_write_tokens + u->cache_write_1h_tokens;
}

int64_t
usage_input(const struct usage *u)
{
	return u->input_tokens + u->cache_read_tokens + usage_written(u);
}

int64_t
usage_output(const struct usage *u)
{
	return u->output_tokens + u->reasoning_tokens;
}

/* The figures as a provider counts them, before they are made disjoint. */
struct figures {
	int64_t input, read, write, write_1h, output, reasoning;
	int64_t images, cached_images;
};

static struct figures
known(const struct usage *u, bool inclusive)
{
	return (struct figures){
		.input = inclusive ? usage_input(u) : u->input_tokens,
		.read = u->cache_read_tokens,
		.write = usage_written(u),
		.write_1h = u->cache_write_1h_tokens,
		.output = usage_output(u),
		.reasoning = u->reasoning_tokens,
		.images = u->image_tokens,
	};
}

/* Left as it is when the object has no such integer. */
static bool
take_figure(int64_t *figure, const struct json_value *object, const char *name)
{
	int64_t n;

	if (!json_int(json_find(object, name), &n))
		return false;
	*figure = clamp(n, TOKENS_MAX);
	return true;
}

static bool
take_figures(struct figures *f, const struct words *words,
    const struct json_value *object)
{
	const struct json_value *in = object, *out;
	bool any = take_figure(&f->input, object, words->input);

	any |= take_figure(&f->output, object, words->output);
	if (!any)
		return false;
	if (words->input_parts != NULL)
		in = json_find(object, words->input_parts);
	out = json_find(object, words->output_parts);
	take_figure(&f->read, in, words->read);
	if (f->read == 0) /* DeepSeek's word for it */
		take_figure(&f->read, object, "prompt_cache_hit_tokens");
	take_figure(&f->write, in, words->write);
	take_figure(&f->write_1h, json_find(object, "cache_creation"),
	    "ephemeral_1h_input_tokens");
	take_figure(&f->reasoning, out, words->reasoning);
	if (take_figure(&f->images, in, "image_tokens"))
		take_figure(&f->cached_images,
		    json_find(in, "cached_tokens_details"), "image_tokens");
	return true;
}

static void
make_disjoint(struct usage *u, const struct figures *f, bool inclusive)
{
	int64_t rest = inclusive ? f->input : TOKENS_MAX;
	int64_t write;

	u->cache_read_tokens = clamp(f->read, rest);
	rest -= inclusive ? u->cache_read_tokens : 0;
	write = clamp(f->write, rest);
	rest -= inclusive ? write : 0;
	u->cache_write_1h_tokens = clamp(f->write_1h, write);
	u->cache_write_tokens = write - u->cache_write_1h_tokens;
	u->input_tokens = inclusive ? rest : f->input;
	u->image_tokens = clamp(f->images - f->cached_images, u->input_tokens);
	u->reasoning_tokens = clamp(f->reasoning, f->output);
	u->output_tokens = f->output - u->reasoning_tokens;
}

/* A pair being put together: "outer.inner=3". */
struct pair {
	char text[PAIR_BYTES];
	size_t len;
};

static void
add(struct pair *p, struct slice text)
{
	memcpy(p->text + p->len, text.ptr, text.len);
	p->len += text.len;
}

/* The pair of that name in a list of them, or where one would be added. */
static char *
find_pair(char *list, const char *name, size_t len)
{
	char *at = list;

	while (*at != '\0') {
		if (strncmp(at, name, len) == 0)
			return at;
		at = strchrnul(at, ' ');
		at += *at == ' ';
	}
	return at;
}

/* `name` is its beginning, up to and with the sign.  False: no room. */
static bool
put_pair(struct usage *u, const struct pair *p, size_t name)
{
	char *list = u->provider_figures, *at = find_pair(list, p->text, name);
	char *behind = strchrnul(at, ' ');
	bool space = *at == '\0' && at > list;
	size_t rest = strlen(behind);

	if ((size_t)(at - list) + space + p->len + rest >=
	    sizeof(u->provider_figures))
		return false;
	memmove(at + space + p->len, behind, rest + 1);
	if (space)
		*at++ = ' ';
	memcpy(at, p->text, p->len);
	return true;
}

/* Of the name that stands in `p`; one too long is of no use. */
static bool
put_number(struct usage *u, struct pair *p, struct slice raw)
{
	size_t name;

	if (raw.len + 1 >= PAIR_BYTES - p->len)
		return true;
	add(p, slice_of("="));
	name = p->len;
	add(p, raw);
	return put_pair(u, p, name);
}

/* Numbers inside of `object`, whose own name stands in `p`. */
static bool
put_figures(struct usage *u, const struct json_value *object, struct pair *p,
    int depth)
{
	const struct json_value *v;
	size_t outer = p->len;
	bool room = true;

	if (object == NULL || object->type != JSON_OBJECT || depth == 0)
		return true;
	for (v = object->first; v != NULL && room; v = v->next) {
		if (v->name.len + 1 > NAME_BYTES - outer || !is_plain(v->name))
			continue;
		p->len = outer;
		if (outer > 0)
			add(p, slice_of("."));
		add(p, v->name);
		room = v->type == JSON_NUMBER ? put_number(u, p, v->raw)
					      : put_figures(u, v, p, depth - 1);
	}
	p->len = outer;
	return room;
}

bool
usage_update(struct usage *usage, enum dialect dialect,
    const struct json_value *object)
{
	const struct words *words = &words_of[dialect];
	struct figures f = known(usage, words->inclusive);
	struct pair pair = { .len = 0 };

	if (!take_figures(&f, words, object))
		return false;
	make_disjoint(usage, &f, words->inclusive);
	usage->source = USAGE_PROVIDER;
	take_figure(&usage->web_searches, json_find(object, "server_tool_use"),
	    "web_search_requests");
	note_cost(usage, json_find(object, "cost"));
	(void)put_figures(usage, object, &pair, FIGURES_DEPTH);
	return true;
}

bool
usage_read(struct usage *usage, enum dialect dialect,
    const struct json_value *object)
{
	*usage = (struct usage){ 0 };
	return usage_update(usage, dialect, object);
}

void
usage_note_tools(struct usage *usage, const struct json_value *tools)
{
	take_figure(&usage->web_searches, json_find(tools, "web_search"),
	    "num_requests");
}

int64_t
usage_tokens_of_bytes(int64_t bytes)
{
	return clamp(bytes, TOKENS_MAX) / BYTES_A_TOKEN +
	       (bytes > 0 && bytes % BYTES_A_TOKEN != 0);
}

void
usage_estimate(struct usage *usage, int64_t input_bytes, int64_t output_bytes)
{
	*usage = (struct usage){
		.input_tokens = usage_tokens_of_bytes(input_bytes),
		.output_tokens = usage_tokens_of_bytes(output_bytes),
		.source = USAGE_ESTIMATED,
	};
}
