#pragma once
/*
 * refusal: the errors a provider answers with, in the words of each family of
 * APIs: what a name or a status means, and the body that says so.
 */
#include <stdint.h>
#include <stdio.h>

#include "tests/sim/text.h"

enum refusal_family { FAMILY_OPENAI, FAMILY_ANTHROPIC, FAMILIES };

struct words {
	uint64_t status;
	const char *type, *code, *message; /* code NULL: null, or left out */
};

struct refusal {
	const char *name;
	struct words words[FAMILIES];
};

/* By name, or, with "", by status; the server's error when it is neither. */
const struct refusal *refusal_find(const char *name, uint64_t status,
    enum refusal_family family);

/* The JSON body of the error to request number n. */
void refusal_write(struct text *out, const struct refusal *r,
    enum refusal_family family, uint64_t n);

/* One line for each name of an error body. */
void refusal_help(FILE *to);
