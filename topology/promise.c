#include "topology/promise.h"

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/llm/capability.h"
#include "topology/hint.h"
#include "topology/value.h"

/* Of a mistake's text: more targets are not told one by one. */
#define TOLD_BYTES_MAX ((size_t)500)
#define TELL_BYTES_MAX ((size_t)1024)

static struct yaml_place
place_of(const struct reach *reach, const struct group *g, const char *part,
    struct slice entry)
{
	return folder_place(reach->file,
	    PATH(slice_of("groups"), g->name, slice_of(part), entry));
}

static struct yaml_place
contract_place(const struct reach *reach, const struct group *g,
    const char *key, struct slice entry)
{
	return folder_place(reach->file,
	    PATH(slice_of("groups"), g->name, slice_of("contract"),
		slice_of(key), entry));
}

/* " nor egress/a.yaml nor egress/b.yaml", by that word. */
static const char *
tell_parents(const struct reach *reach, const char *word)
{
	const char *text = "";
	size_t i;

	for (i = 0; i < reach->parents_count; i++)
		text = arena_printf(reach->folder->arena, "%s%segress/%s.yaml",
		    text, word, reach->parents[i].name.ptr);
	return text;
}

static void
unknown_target(const struct reach *reach, struct yaml_place place,
    struct slice target)
{
	struct folder *f = reach->folder;
	struct hint_words w = { .count = 0 };
	size_t i;

	hint_add_models(&w, reach->own->providers, reach->own->providers_count);
	for (i = 0; i < reach->parents_count; i++)
		hint_add_models(&w, reach->parents[i].file->providers,
		    reach->parents[i].file->providers_count);
	mistake_add(f->mistakes, &reach->file->source, place,
	    "neither this file%s has a model '%s'%s",
	    tell_parents(reach, " nor "), target.ptr, hint(f, target, &w));
}

/* What limits where and at what price a target may be, and what it is. */
struct bound {
	const char *name; /* "teams.x.regions in mesh.yaml" without its end */
	const char *where;
	const struct slice *regions;
	size_t regions_count;
	const struct price_ceiling *max_price;
};

/* What is wrong when the target is outside; NULL: it is not. */
static const char *
breach(const struct reach *reach, const struct bound *b,
    const struct reached *target)
{
	struct arena *arena = reach->folder->arena;
	const char *name = target->model->target.ptr;

	if (b->regions_count > 0 && target->region.len == 0)
		return arena_printf(arena,
		    "nobody says in which region '%s' is served, and "
		    "%s.regions%s limits it: give its provider or member a "
		    "'region'",
		    name, b->name, b->where);
	if (b->regions_count > 0 &&
	    !region_is_among(target->region, b->regions, b->regions_count))
		return arena_printf(arena,
		    "'%s' is served in region '%s', which %s.regions%s does "
		    "not list",
		    name, target->region.ptr, b->name, b->where);
	if (price_fits(&target->model->price, b->max_price))
		return NULL;
	return arena_printf(arena, "'%s' costs more than %s.max_price%s", name,
	    b->name, b->where);
}

static struct bound
team_bound(const struct reach *reach)
{
	const struct team *t = reach->team;

	return (struct bound){ .name = arena_printf(reach->folder->arena,
				   "teams.%s", t->name.ptr),
		.where = " in mesh.yaml",
		.regions = t->regions,
		.regions_count = t->regions_count,
		.max_price = &t->max_price };
}

static struct bound
contract_bound(const struct group *g)
{
	return (struct bound){ .name = "contract",
		.where = "",
		.regions = g->contract.regions,
		.regions_count = g->contract.regions_count,
		.max_price = &g->contract.max_price };
}

/* NULL: this way to the target is within what team and contract bound. */
static const char *
way_breach(const struct reach *reach, const struct group *g,
    const struct reached *way)
{
	const struct bound contract = contract_bound(g);
	const char *why = NULL;
	struct bound team;

	if (reach->team != NULL) {
		team = team_bound(reach);
		why = breach(reach, &team, way);
	}
	return why != NULL ? why : breach(reach, &contract, way);
}

/* One way within bounds is enough; else what is wrong with the first. */
static void
check_ways(const struct reach *reach, const struct group *g,
    const struct reached *ways, size_t count)
{
	const char *why = way_breach(reach, g, &ways[0]);
	size_t i;

	for (i = 1; why != NULL && i < count; i++)
		if (way_breach(reach, g, &ways[i]) == NULL)
			return;
	if (why != NULL)
		mistake_add(reach->folder->mistakes, &reach->file->source,
		    place_of(reach, g, "targets", ways[0].model->target), "%s",
		    why);
}

/* May the group use it? */
static void
check_target(const struct reach *reach, const struct group *g,
    struct slice target)
{
	struct yaml_place place = place_of(reach, g, "targets", target);
	struct reached ways[MEMBER_PARENTS_MAX];
	size_t count = reach_find(reach, target, ways);

	if (count == 0) {
		/* A name that could not be read is a mistake already. */
		if (reach_is_known(reach) && target.len > 0)
			unknown_target(reach, place, target);
		return;
	}
	if (!ways[0].own && reach->team != NULL &&
	    !team_may_use(reach->team, target)) {
		mistake_add(reach->folder->mistakes, &reach->file->source,
		    place,
		    "team '%s' may not use '%s': the operator has to list it "
		    "in mesh.yaml under teams.%s.models",
		    reach->team->name.ptr, target.ptr, reach->team->name.ptr);
		return;
	}
	check_ways(reach, g, ways, count);
}

static bool
is_served(const struct provider *providers, size_t count,
    const struct member *at, struct slice region)
{
	size_t i;

	for (i = 0; at != NULL && i < count; i++)
		if (slice_eq(provider_region(&providers[i], at), region))
			return true;
	return false;
}

static void
unserved_region(const struct reach *reach, struct yaml_place place,
    struct slice region)
{
	struct folder *f = reach->folder;
	struct hint_words w = { .count = 0 };

	size_t i;

	hint_add_regions(&w, reach->own->providers, reach->own->providers_count,
	    reach->self);
	for (i = 0; i < reach->parents_count; i++)
		hint_add_regions(&w, reach->parents[i].file->providers,
		    reach->parents[i].file->providers_count,
		    reach->parents[i].member);
	mistake_add(f->mistakes, &reach->file->source, place,
	    "no provider of this file%s serves in region '%s'%s",
	    tell_parents(reach, " or of "), region.ptr, hint(f, region, &w));
}

static bool
is_in_reach(const struct reach *reach, struct slice region)
{
	const struct reach_parent *p;
	size_t i;

	if (is_served(reach->own->providers, reach->own->providers_count,
		reach->self, region))
		return true;
	for (i = 0; i < reach->parents_count; i++) {
		p = &reach->parents[i];
		if (is_served(p->file->providers, p->file->providers_count,
			p->member, region))
			return true;
	}
	return false;
}

/* A region of the contract can match: within the team's, and in reach. */
static void
check_region(const struct reach *reach, const struct group *g,
    struct slice region)
{
	struct yaml_place place = contract_place(reach, g, "regions", region);
	const struct team *team = reach->team;
	struct hint_words w = { .count = 0 };
	size_t i;

	if (team != NULL && team->regions_count > 0 &&
	    !region_is_among(region, team->regions, team->regions_count)) {
		for (i = 0; i < team->regions_count; i++)
			hint_add(&w, team->regions[i].ptr);
		mistake_add(reach->folder->mistakes, &reach->file->source,
		    place,
		    "region '%s' is not among teams.%s.regions in "
		    "mesh.yaml%s",
		    region.ptr, team->name.ptr,
		    hint(reach->folder, region, &w));
		return;
	}
	if (reach_is_known(reach) && !is_in_reach(reach, region))
		unserved_region(reach, place, region);
}

static bool
is_able(const struct contract *c, const struct group_target *t,
    const struct model *m)
{
	return (c->requires == 0 || m->supports_stated) &&
	       (c->requires & ~m->supports) == 0 &&
	       m->context >= c->min_context_tokens &&
	       t->quality_ppm >= c->min_quality_ppm;
}

/* Between two things that a target is short of. */
static void
put_comma(struct buf *out, size_t begun)
{
	if (out->len > begun)
		buf_puts(out, ", ");
}

static void
tell_capabilities(struct buf *out, const struct model *m, unsigned requires)
{
	size_t i, begun = out->len;

	if (requires != 0 && !m->supports_stated) {
		buf_puts(out, "nobody states what it supports");
		return;
	}
	for (i = 0; capability_name(i) != NULL; i++) {
		if ((requires & ~m->supports & (1u << i)) == 0)
			continue;
		put_comma(out, begun);
		buf_printf(out, "lacks %s", capability_name(i));
	}
}

/* The target and what it is short of. */
static void
tell_target(struct buf *out, const struct contract *c,
    const struct group_target *t, const struct model *m)
{
	char quality[VALUE_NUMBER_CHARS];
	size_t begun;

	buf_printf(out, "%s%s (", out->len > 0 ? "; " : "", t->model.ptr);
	begun = out->len;
	tell_capabilities(out, m, c->requires);
	if (m->context < c->min_context_tokens) {
		put_comma(out, begun);
		if (m->context == 0)
			buf_puts(out, "its context is not stated");
		else
			buf_printf(out, "its context is %jd",
			    (intmax_t)m->context);
	}
	if (t->quality_ppm < c->min_quality_ppm) {
		put_comma(out, begun);
		value_write_number(VALUE_SHARE, t->quality_ppm, quality);
		buf_printf(out, "its quality is %s",
		    t->quality_ppm == VALUE_NOT_SAID ? "not stated" : quality);
	}
	buf_puts(out, ")");
}

/* Some way to it can do all; else what the first is short of. */
static bool
target_is_able(const struct reach *reach, const struct contract *c,
    const struct group_target *t, struct buf *told)
{
	struct reached ways[MEMBER_PARENTS_MAX];
	size_t count = reach_find(reach, t->model, ways), i;

	for (i = 0; i < count; i++)
		if (is_able(c, t, ways[i].model))
			return true;
	if (count > 0 && told->len < TOLD_BYTES_MAX)
		tell_target(told, c, t, ways[0].model);
	return false;
}

/* At least one of the targets that are known can do all of it. */
static void
check_able(const struct reach *reach, const struct group *g)
{
	struct buf told;
	size_t i;

	buf_init(&told, TELL_BYTES_MAX);
	for (i = 0; i < g->targets_count; i++)
		if (target_is_able(reach, &g->contract, &g->targets[i], &told))
			goto out;
	if (told.len > 0)
		mistake_add(reach->folder->mistakes, &reach->file->source,
		    place_of(reach, g, "contract", slice_of("")),
		    "no target can do what the contract promises: %s%s",
		    buf_text(&told), told.len < TOLD_BYTES_MAX ? "" : "; …");
out:
	buf_fini(&told);
}

void
promise_check(const struct reach *reach, const struct group *g)
{
	size_t i;

	for (i = 0; i < g->targets_count; i++)
		check_target(reach, g, g->targets[i].model);
	for (i = 0; i < g->contract.regions_count; i++)
		check_region(reach, g, g->contract.regions[i]);
	check_able(reach, g);
}
