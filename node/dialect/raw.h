#pragma once
/*
 * raw: JSON values as they stood in somebody's text, read without unescaping
 * what is only passed on.  Pure.
 */
#include "common/base/slice.h"

struct buf;
struct json_value;

/* The member's raw text when it is there and not null; else empty. */
struct slice raw_of(const struct json_value *object, const char *name);

/* Is it a JSON string, and this one? */
bool raw_is(struct slice raw, const char *text);

/* What stands between a raw string's quotes. */
struct slice raw_inside(struct slice raw);

/* Is it there, and of this type? */
bool is_text(const struct json_value *v);
bool is_object(const struct json_value *v);

/* Append the raw string that has this inside. */
void raw_put(struct buf *out, struct slice inside);

/* A raw JSON string's inside, or empty when v is no string. */
struct slice inside_of(const struct json_value *v);
/* Its number, or `otherwise`. */
int64_t number_of(const struct json_value *v, int64_t otherwise);
/* Is it this string? */
bool value_is(const struct json_value *v, const char *text);
