#pragma once
/*
 * preface: the header fields that a request to a provider begins with, but
 * for its key: what the dialect asks for, from constants and from what the
 * caller said.  A value; slices are borrowed.
 */
#include "common/llm/shape.h"
#include "common/net/http.h"

#define PREFACE_FIELDS_MAX 3

struct preface {
	struct http_field fields[PREFACE_FIELDS_MAX];
	size_t count;
};

/*
 * `api_version` and `api_beta` matter to messages only; empty is the first
 * version there was, and no beta.
 */
struct preface preface_of(enum dialect dialect, struct slice api_version,
    struct slice api_beta);
