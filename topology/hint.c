#include "topology/hint.h"

#include "common/base/arena.h"
#include "common/base/command.h"

void
hint_add(struct hint_words *w, const char *word)
{
	if (w->count < HINT_WORDS_MAX)
		w->words[w->count++] = word;
}

void
hint_add_models(struct hint_words *w, const struct provider *providers,
    size_t count)
{
	size_t i, k;

	for (i = 0; i < count; i++)
		for (k = 0; k < providers[i].models_count; k++)
			hint_add(w, providers[i].models[k].target.ptr);
}

void
hint_add_regions(struct hint_words *w, const struct provider *providers,
    size_t count, const struct member *self)
{
	struct slice region;
	size_t i;

	for (i = 0; i < count; i++) {
		region = provider_region(&providers[i], self);
		if (region.len > 0)
			hint_add(w, region.ptr);
	}
}

const char *
hint(struct folder *f, struct slice wrong, const struct hint_words *w)
{
	const char *near = nearest_word(wrong, w->words, w->count);

	if (near == NULL)
		return "";
	return arena_printf(f->arena, "; did you mean '%s'?", near);
}

const char *
hint_member(struct folder *f, struct slice wrong)
{
	const struct mesh *mesh = folder_mesh(f);
	struct hint_words w = { .count = 0 };
	size_t i;

	for (i = 0; i < mesh->members_count; i++)
		hint_add(&w, mesh->members[i].name.ptr);
	return hint(f, wrong, &w);
}

const char *
hint_team(struct folder *f, struct slice wrong)
{
	const struct mesh *mesh = folder_mesh(f);
	struct hint_words w = { .count = 0 };
	size_t i;

	for (i = 0; i < mesh->teams_count; i++)
		hint_add(&w, mesh->teams[i].name.ptr);
	return hint(f, wrong, &w);
}
