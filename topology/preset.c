#include "topology/preset.h"

#include "common/llm/quirk.h"

#define CHAT      (1u << DIALECT_CHAT)
#define RESPONSES (1u << DIALECT_RESPONSES)
#define MESSAGES  (1u << DIALECT_MESSAGES)

/* Every type has all paths: a file may say that it speaks more. */
#define PATHS                                                                  \
	.paths = { [DIALECT_CHAT] = "/chat/completions",                       \
		[DIALECT_RESPONSES] = "/responses",                            \
		[DIALECT_MESSAGES] = "/messages" }

#define BEARER .auth_field = "Authorization", .auth_prefix = "Bearer "

#define OPENAI_QUIRKS                                                          \
	(QUIRK_USAGE_IN_STREAM | QUIRK_DEVELOPER_ROLE | QUIRK_CUSTOM_TOOLS |   \
	    QUIRK_REASONING_EFFORT | QUIRK_OPENAI_FIELDS |                     \
	    QUIRK_FIXED_SAMPLING | QUIRK_PARALLEL_FLAG | QUIRK_JSON_SCHEMA)
#define LIKE_OPENAI                                                            \
	(QUIRK_USAGE_IN_STREAM | QUIRK_REASONING_EFFORT |                      \
	    QUIRK_PARALLEL_FLAG | QUIRK_JSON_SCHEMA)

/*
 * OpenAI refuses max_tokens for its reasoning models; servers that imitate it
 * know max_tokens for longer than max_completion_tokens.  Mistral sends usage
 * unasked, and knows no stream_options.  Azure's API is the one below
 * /openai/v1, where the model is the deployment's name.
 */
static const struct provider_type presets[] = {
	{ .name = "openai",
	    .base_url = "https://api.openai.com/v1",
	    BEARER,
	    .dialects = CHAT | RESPONSES,
	    PATHS,
	    .cap_key = "max_completion_tokens",
	    .quirks = OPENAI_QUIRKS },
	{ .name = "azure",
	    .auth_field = "api-key",
	    .auth_prefix = "",
	    .dialects = CHAT | RESPONSES,
	    PATHS,
	    .cap_key = "max_completion_tokens",
	    .quirks = OPENAI_QUIRKS },
	{ .name = "anthropic",
	    .base_url = "https://api.anthropic.com/v1",
	    .auth_field = "x-api-key",
	    .auth_prefix = "",
	    .dialects = MESSAGES,
	    PATHS,
	    .count_path = "/messages/count_tokens",
	    .cap_key = "max_tokens" },
	{ .name = "openrouter",
	    .base_url = "https://openrouter.ai/api/v1",
	    BEARER,
	    .dialects = CHAT | RESPONSES | MESSAGES,
	    PATHS,
	    .cap_key = "max_tokens",
	    .quirks = LIKE_OPENAI },
	{ .name = "vllm",
	    BEARER,
	    .dialects = CHAT,
	    PATHS,
	    .cap_key = "max_tokens",
	    .quirks = LIKE_OPENAI },
	{ .name = "sglang",
	    BEARER,
	    .dialects = CHAT,
	    PATHS,
	    .cap_key = "max_tokens",
	    .quirks = LIKE_OPENAI },
	{ .name = "together",
	    .base_url = "https://api.together.xyz/v1",
	    BEARER,
	    .dialects = CHAT,
	    PATHS,
	    .cap_key = "max_tokens",
	    .quirks = LIKE_OPENAI & ~(unsigned)QUIRK_PARALLEL_FLAG },
	{ .name = "groq",
	    .base_url = "https://api.groq.com/openai/v1",
	    BEARER,
	    .dialects = CHAT,
	    PATHS,
	    .cap_key = "max_completion_tokens",
	    .quirks = LIKE_OPENAI },
	{ .name = "mistral",
	    .base_url = "https://api.mistral.ai/v1",
	    BEARER,
	    .dialects = CHAT,
	    PATHS,
	    .cap_key = "max_tokens",
	    .quirks = QUIRK_SHORT_TOOL_IDS | QUIRK_PARALLEL_FLAG |
		      QUIRK_JSON_SCHEMA },
	{ .name = "deepseek",
	    .base_url = "https://api.deepseek.com",
	    BEARER,
	    .dialects = CHAT,
	    PATHS,
	    .cap_key = "max_tokens",
	    .quirks = QUIRK_USAGE_IN_STREAM | QUIRK_REASONING_EFFORT |
		      QUIRK_REASONING_BACK },
	{ .name = "openai-compatible",
	    BEARER,
	    .dialects = CHAT,
	    PATHS,
	    .cap_key = "max_tokens",
	    .quirks = LIKE_OPENAI },
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

const struct provider_type *
preset_at(size_t i)
{
	return i < count_of(presets) ? &presets[i] : NULL;
}

const char *
preset_name(size_t i)
{
	return i < count_of(presets) ? presets[i].name : NULL;
}
