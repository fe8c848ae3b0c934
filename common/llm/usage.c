#include "common/llm/usage.h"

#include "common/format/json.h"

#define BYTES_A_TOKEN 4
/* Far beyond any real answer; keeps sums and costs inside 64 bits. */
#define TOKENS_MAX 1000000000000

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

/* A figure of the object, 0 when it is not there or no integer. */
static int64_t
figure(const struct json_value *object, const char *name)
{
	int64_t n;

	return json_int(json_find(object, name), &n) ? clamp(n, TOKENS_MAX) : 0;
}

/*
 * OpenRouter states what it charged.  Kept as it was written; of a number too
 * long for the field the last decimals go.
 */
static void
note_cost(struct usage *usage, const struct json_value *cost)
{
	struct slice raw;

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

bool
usage_of_chat(struct usage *usage, const struct json_value *object)
{
	const struct json_value *in, *out;
	int64_t prompt, completion, n;

	*usage = (struct usage){ 0 };
	if (!json_int(json_find(object, "prompt_tokens"), &n) &&
	    !json_int(json_find(object, "completion_tokens"), &n))
		return false;
	in = json_find(object, "prompt_tokens_details");
	out = json_find(object, "completion_tokens_details");
	prompt = figure(object, "prompt_tokens");
	completion = figure(object, "completion_tokens");
	n = figure(in, "cached_tokens");
	if (n == 0) /* DeepSeek's word for it */
		n = figure(object, "prompt_cache_hit_tokens");
	usage->cache_read_tokens = clamp(n, prompt);
	usage->cache_write_tokens = clamp(figure(in, "cache_write_tokens"),
	    prompt - usage->cache_read_tokens);
	usage->input_tokens =
	    prompt - usage->cache_read_tokens - usage->cache_write_tokens;
	usage->reasoning_tokens =
	    clamp(figure(out, "reasoning_tokens"), completion);
	usage->output_tokens = completion - usage->reasoning_tokens;
	usage->source = USAGE_PROVIDER;
	note_cost(usage, json_find(object, "cost"));
	return true;
}

static int64_t
tokens_of_bytes(int64_t bytes)
{
	return clamp(bytes, TOKENS_MAX) / BYTES_A_TOKEN +
	       (bytes > 0 && bytes % BYTES_A_TOKEN != 0);
}

void
usage_estimate(struct usage *usage, int64_t input_bytes, int64_t output_bytes)
{
	*usage = (struct usage){
		.input_tokens = tokens_of_bytes(input_bytes),
		.output_tokens = tokens_of_bytes(output_bytes),
		.source = USAGE_ESTIMATED,
	};
}
