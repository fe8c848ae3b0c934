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
	    .bytes = sizeof(enum strategy), .read = read_strategy },
	[VALUE_PRESET - VALUE_ROLE] = { "provider type", .word = preset_name,
	    .bytes = sizeof(const struct provider_type *),
	    .read = read_preset },
	[VALUE_DIALECT - VALUE_ROLE] = { "dialect", .word = dialect_word,
	    .bytes = sizeof(unsigned), .read = read_dialect },
	[VALUE_CAPABILITY - VALUE_ROLE] = { "capability",
	    .word = capability_name, .meaning = capability_meaning,
	    .bytes = sizeof(unsigned), .read = read_capability },
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
