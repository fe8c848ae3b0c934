#pragma once
/*
 * hint: what a wrong name was probably meant to be, as the end of a mistake:
 * "; did you mean 'x'?" or nothing.
 */
#include "topology/folder.h"

#define HINT_WORDS_MAX 256

/* Names that a wrong one may have meant; further ones are let go. */
struct hint_words {
	const char *words[HINT_WORDS_MAX];
	size_t count;
};

void hint_add(struct hint_words *w, const char *word);

/* All models of these providers, and where those serve. */
void hint_add_models(struct hint_words *w, const struct provider *providers,
    size_t count);
void hint_add_regions(struct hint_words *w, const struct provider *providers,
    size_t count, const struct member *self);

const char *hint(struct folder *f, struct slice wrong,
    const struct hint_words *w);

const char *hint_member(struct folder *f, struct slice wrong);
const char *hint_team(struct folder *f, struct slice wrong);
