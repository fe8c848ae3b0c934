#include "topology/word.h"

#include "common/llm/allow.h"
#include "common/llm/capability.h"
#include "common/llm/drop.h"
#include "topology/mesh.h"
#include "topology/preset.h"

static const char *
role_name(size_t i)
{
	static const char
	    *const names[] = { [ROLE_NODE] = "node", [ROLE_EGRESS] = "egress" };

	return i < count_of(names) ? names[i] : NULL;
}

static bool
read_role(struct arena *arena, struct slice text, void *at)
{
	size_t i;

	(void)arena;
	for (i = 0; role_name(i) != NULL; i++)
		if (slice_is(text, role_name(i))) {
			*(enum member_role *)at = (enum member_role)i;
			return true;
		}
	return false;
}

const char *
strategy_name(size_t i)
{
	static const char *const names[STRATEGIES] = {
		[STRATEGY_STATIC] = "static",
		[STRATEGY_FAILOVER] = "failover",
		[STRATEGY_WEIGHTED] = "weighted",
		[STRATEGY_SCORE] = "score",
		[STRATEGY_SCRIPT] = "script",
		[STRATEGY_EXTERNAL] = "external",
	};

	return i < STRATEGIES ? names[i] : NULL;
}

static const char *
strategy_meaning(size_t i)
{
	static const char *const meanings[STRATEGIES] = {
		[STRATEGY_STATIC] = ("the first target; those listed behind "
				     "it are its fallbacks"),
		[STRATEGY_FAILOVER] = "the targets in the order of the file",
		[STRATEGY_WEIGHTED] = ("a draw by weight among those that "
				       "may be tried now"),
		[STRATEGY_SCORE] = ("cost, speed, errors, quality and warm "
				    "caches, weighed by `score`"),
		[STRATEGY_SCRIPT] = "a JavaScript policy, named by `script`",
		[STRATEGY_EXTERNAL] = "a policy service, named by `external`",
	};

	return i < STRATEGIES ? meanings[i] : NULL;
}

static bool
read_strategy(struct arena *arena, struct slice text, void *at)
{
	size_t i;

	(void)arena;
	for (i = 0; i < STRATEGIES; i++)
		if (slice_is(text, strategy_name(i))) {
			*(enum strategy *)at = (enum strategy)i;
			return true;
		}
	return false;
}

/* Those before script, which decide by themselves. */
static const char *
fallback_name(size_t i)
{
	return i < STRATEGY_SCRIPT ? strategy_name(i) : NULL;
}

static bool
read_fallback(struct arena *arena, struct slice text, void *at)
{
	enum strategy strategy;

	if (!read_strategy(arena, text, &strategy) ||
	    fallback_name(strategy) == NULL)
		return false;
	*(enum strategy *)at = strategy;
	return true;
}

const char *
external_mode_name(size_t i)
{
	static const char *const names[] = { [EXTERNAL_BASELINE] = "baseline",
		[EXTERNAL_SHADOW] = "shadow",
		[EXTERNAL_ENFORCE] = "enforce" };

	return i < count_of(names) ? names[i] : NULL;
}

static const char *
mode_meaning(size_t i)
{
	static const char *const meanings[] = {
		[EXTERNAL_BASELINE] = "it is not asked; the fallback decides",
		[EXTERNAL_SHADOW] = ("it is asked and its answer recorded; "
				     "the fallback decides"),
		[EXTERNAL_ENFORCE] = "it decides",
	};

	return i < count_of(meanings) ? meanings[i] : NULL;
}

static bool
read_mode(struct arena *arena, struct slice text, void *at)
{
	size_t i;

	(void)arena;
	for (i = 0; external_mode_name(i) != NULL; i++)
		if (slice_is(text, external_mode_name(i))) {
			*(enum external_mode *)at = (enum external_mode)i;
			return true;
		}
	return false;
}

/* The second of two words is true. */
static bool
read_second(const char *(*word)(size_t i), struct slice text, void *at)
{
	bool second = slice_is(text, word(1));

	if (!second && !slice_is(text, word(0)))
		return false;
	*(bool *)at = second;
	return true;
}

static const char *
on_error_name(size_t i)
{
	static const char *const names[] = { "fall-back", "fail-closed" };

	return i < count_of(names) ? names[i] : NULL;
}

static bool
read_on_error(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return read_second(on_error_name, text, at);
}

static const char *
switch_name(size_t i)
{
	static const char *const names[] = { "false", "true" };

	return i < count_of(names) ? names[i] : NULL;
}

static bool
read_switch(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return read_second(switch_name, text, at);
}

static bool
read_preset(struct arena *arena, struct slice text, void *at)
{
	const struct provider_type *type = preset_find(text);

	(void)arena;
	if (type != NULL)
		*(const struct provider_type **)at = type;
	return type != NULL;
}

/* A word of a set is the bit of its place in the table. */
static bool
read_bit(const char *(*word)(size_t i), struct slice text, void *at)
{
	size_t i;

	for (i = 0; word(i) != NULL; i++)
		if (slice_is(text, word(i))) {
			*(unsigned *)at = 1u << i;
			return true;
		}
	return false;
}

static const char *
dialect_word(size_t i)
{
	return i < DIALECTS ? dialect_name((enum dialect)i) : NULL;
}

static bool
read_dialect(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return read_bit(dialect_word, text, at);
}

static bool
read_capability(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return read_bit(capability_name, text, at);
}

/* The last rows of the table are those that others imply. */
static const char *
implied_name(size_t i)
{
	return capability_name(CAPABILITY_AT_FORCED_TOOLS + i);
}

static bool
read_implied(struct arena *arena, struct slice text, void *at)
{
	unsigned bit;

	(void)arena;
	if (!read_bit(implied_name, text, &bit))
		return false;
	*(unsigned *)at = bit << CAPABILITY_AT_FORCED_TOOLS;
	return true;
}

static bool
read_drop(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return read_bit(drop_name, text, at);
}

static bool
read_allow(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return read_bit(allow_name, text, at);
}

static const struct value_spec specs[] = {
	[VALUE_ROLE - VALUE_ROLE] = { "role", .word = role_name,
	    .bytes = sizeof(enum member_role), .read = read_role },
	[VALUE_STRATEGY - VALUE_ROLE] = { "strategy", .word = strategy_name,
	    .meaning = strategy_meaning, .bytes = sizeof(enum strategy),
	    .read = read_strategy },
	[VALUE_FALLBACK - VALUE_ROLE] = { "strategy to fall back to",
	    .word = fallback_name, .bytes = sizeof(enum strategy),
	    .read = read_fallback },
	[VALUE_MODE - VALUE_ROLE] = { "mode", .word = external_mode_name,
	    .meaning = mode_meaning, .bytes = sizeof(enum external_mode),
	    .read = read_mode },
	[VALUE_ON_ERROR - VALUE_ROLE] = { "way to fail", .word = on_error_name,
	    .bytes = sizeof(bool), .read = read_on_error },
	[VALUE_SWITCH - VALUE_ROLE] = { "switch", .word = switch_name,
	    .bytes = sizeof(bool), .read = read_switch },
	[VALUE_PRESET - VALUE_ROLE] = { "provider type", .word = preset_name,
	    .bytes = sizeof(const struct provider_type *),
	    .read = read_preset },
	[VALUE_DIALECT - VALUE_ROLE] = { "dialect", .word = dialect_word,
	    .bytes = sizeof(unsigned), .read = read_dialect },
	[VALUE_CAPABILITY - VALUE_ROLE] = { "capability",
	    .word = capability_name, .meaning = capability_meaning,
	    .bytes = sizeof(unsigned), .read = read_capability },
	[VALUE_IMPLIED - VALUE_ROLE] = { "implied capability",
	    .word = implied_name, .bytes = sizeof(unsigned),
	    .read = read_implied },
	[VALUE_DROP - VALUE_ROLE] = { "class of fields", .word = drop_name,
	    .meaning = drop_meaning, .bytes = sizeof(unsigned),
	    .read = read_drop },
	[VALUE_ALLOW - VALUE_ROLE] = { "thing to allow", .word = allow_name,
	    .meaning = allow_meaning, .bytes = sizeof(unsigned),
	    .read = read_allow },
};

_Static_assert(count_of(specs) == VALUE_TYPES - VALUE_ROLE,
    "every type of words has its row");

const struct value_spec *
word_spec(enum value_type type)
{
	return &specs[type - VALUE_ROLE];
}
