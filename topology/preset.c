#include "topology/preset.h"

#define CHAT_ONLY (1u << DIALECT_CHAT)

/*
 * OpenAI refuses max_tokens for its reasoning models; servers that imitate it
 * know max_tokens for longer than max_completion_tokens.
 */
static const struct provider_type presets[] = {
	{ .name = "openai",
	    .base_url = "https://api.openai.com/v1",
	    .auth_field = "Authorization",
	    .auth_prefix = "Bearer ",
	    .dialects = CHAT_ONLY,
	    .chat_path = "/chat/completions",
	    .cap_key = "max_completion_tokens",
	    .usage_in_stream = true },
	{ .name = "openrouter",
	    .base_url = "https://openrouter.ai/api/v1",
	    .auth_field = "Authorization",
	    .auth_prefix = "Bearer ",
	    .dialects = CHAT_ONLY,
	    .chat_path = "/chat/completions",
	    .cap_key = "max_tokens",
	    .usage_in_stream = true },
	{ .name = "vllm",
	    .auth_field = "Authorization",
	    .auth_prefix = "Bearer ",
	    .dialects = CHAT_ONLY,
	    .chat_path = "/chat/completions",
	    .cap_key = "max_tokens",
	    .usage_in_stream = true },
	{ .name = "openai-compatible",
	    .auth_field = "Authorization",
	    .auth_prefix = "Bearer ",
	    .dialects = CHAT_ONLY,
	    .chat_path = "/chat/completions",
	    .cap_key = "max_tokens",
	    .usage_in_stream = true },
};

const struct provider_type *
preset_find(struct slice name)
{
	size_t i;

	for (i = 0; i < count_of(presets); i++)
		if (slice_is(name, presets[i].name))
			return &presets[i];
	return NULL;
}

const char *
preset_name(size_t i)
{
	return i < count_of(presets) ? presets[i].name : NULL;
}
