#pragma once
/*
 * value: what one scalar of a topology file may be, as one table: its name in
 * messages, what to write, the pattern for editors, how to read it.  Pure.
 */
#include "common/base/slice.h"

struct arena;

enum value_type {
	VALUE_NAME,    /* struct slice */
	VALUE_TEXT,    /* struct slice */
	VALUE_MODEL,   /* struct slice: a model as its provider knows it */
	VALUE_TARGET,  /* struct slice: provider/model */
	VALUE_GRANT,   /* struct slice: a target, or its start and a star */
	VALUE_ADDRESS, /* struct slice: host:port to dial */
	VALUE_LISTEN,  /* struct slice: host:port to listen at; port may be 0 */
	VALUE_URL,     /* struct slice without a slash at its end */
	VALUE_PATH,    /* struct slice */
	VALUE_SECRET,  /* struct slice: NAME of secret/NAME */
	VALUE_POLICY,  /* struct slice: a file below the folder, *.js */
	VALUE_HASH,    /* struct hash */
	VALUE_KEY,     /* struct public_key */
	/* Numbers with or without a unit (topology/number.c). */
	VALUE_DURATION, /* int64_t milliseconds */
	VALUE_SIZE,     /* int64_t bytes */
	VALUE_INT,      /* int64_t */
	VALUE_PRICE,    /* int64_t as in common/llm/price.h */
	VALUE_SHARE,    /* int64_t millionths, 0 to 1 */
	VALUE_WEIGHT,   /* int64_t millionths */
	VALUE_MONEY,    /* int64_t micro-USD */
	/* The rest are words (topology/word.c). */
	VALUE_ROLE,       /* enum member_role */
	VALUE_STRATEGY,   /* enum strategy */
	VALUE_FALLBACK,   /* enum strategy that needs no policy */
	VALUE_MODE,       /* enum external_mode */
	VALUE_ON_ERROR,   /* bool: fails closed */
	VALUE_SWITCH,     /* bool */
	VALUE_PRESET,     /* const struct provider_type * */
	VALUE_DIALECT,    /* unsigned: one bit, 1u << DIALECT_CHAT … */
	VALUE_CAPABILITY, /* unsigned: a bit of common/llm/capability.h */
	VALUE_IMPLIED,    /* the same, of those that others imply */
	VALUE_DROP,       /* unsigned: a bit of common/llm/drop.h */
	VALUE_ALLOW,      /* unsigned: a bit of common/llm/allow.h */
	VALUE_TYPES
};

struct value_spec {
	const char *name;    /* "duration" */
	const char *write;   /* "500ms, 8s, 10m or 2h" */
	const char *pattern; /* for JSON Schema; NULL: one of the words */
	const char *(*word)(size_t i);    /* NULL behind the last */
	const char *(*meaning)(size_t i); /* of a word; may be NULL */
	size_t bytes;                     /* of what it is read to */
	/* False when the text is not one.  `at` has room for `bytes`. */
	bool (*read)(struct arena *arena, struct slice text, void *at);
};

const struct value_spec *value_spec(enum value_type type);

/* What an optional share or price is when it is left out. */
#define VALUE_NOT_SAID (-1)

/* Write a number as the type would: "8s", "64KiB", "2%", "0.25". */
#define VALUE_NUMBER_CHARS 32
void value_write_number(enum value_type type, int64_t number,
    char text[VALUE_NUMBER_CHARS]);

/* Letters, digits, '.', '_', '-'; at most NAME_CHARS_MAX. */
must_check bool is_name(struct slice text);
