#include "topology/effective.h"

#include <assert.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/limit/shaper.h"
#include "topology/keys.h"

/* Node, project, user, caller and team, each with every kind. */
#define LEVELS     5
#define LIMITS_MAX (LEVELS * 16)

/* Things with a name, which is what each begins with. */
struct named {
	const char *what;
	const void *items;
	size_t count, bytes;
};

static struct slice
name_at(const struct named *n, size_t i)
{
	struct slice name;

	memcpy(&name, (const char *)n->items + i * n->bytes, sizeof(name));
	return name;
}

/* NULL, and what there is in `why`, when none has the name. */
static const void *
find_named(const struct named *n, struct slice name, struct buf *why)
{
	size_t i;

	for (i = 0; i < n->count; i++)
		if (slice_eq(name_at(n, i), name))
			return (const char *)n->items + i * n->bytes;
	buf_printf(why, "there is no %s '%.*s'; ", n->what, SLICE_FMT(name));
	for (i = 0; i < n->count; i++)
		buf_printf(why, "%s%.*s", i > 0 ? ", " : "choose among ",
		    SLICE_FMT(name_at(n, i)));
	buf_puts(why, n->count > 0 ? "\n" : "none is said\n");
	return NULL;
}

/* The nodes of the mesh, in the order of the file. */
static struct named
list_nodes(struct folder *f)
{
	const struct mesh *mesh = folder_mesh(f);
	struct member *nodes =
	    arena_many(f->arena, struct member, mesh->members_count);
	size_t i, count = 0;

	for (i = 0; i < mesh->members_count; i++)
		if (mesh->members[i].role == ROLE_NODE)
			nodes[count++] = mesh->members[i];
	return (struct named){ "node", nodes, count, sizeof(*nodes) };
}

/* One "tier=agent"; false when there is no such thing. */
static bool
take_word(struct effective *e, struct slice word, struct buf *why)
{
	const struct node_file *n = e->node;
	const struct named tiers = { "tier", n->tiers, n->tiers_count,
		sizeof(*n->tiers) };
	const struct named projects = { "project", n->projects,
		n->projects_count, sizeof(*n->projects) };
	const struct named users = { "user", n->users, n->users_count,
		sizeof(*n->users) };

	if (slice_starts(word, "tier=") && e->tier == NULL)
		return (e->tier = find_named(&tiers,
			    slice_after(word, strlen("tier=")), why)) != NULL;
	if (slice_starts(word, "project=") && e->project == NULL)
		return (e->project = find_named(&projects,
			    slice_after(word, strlen("project=")), why)) !=
		       NULL;
	if (slice_starts(word, "user=") && e->user == NULL)
		return (e->user = find_named(&users,
			    slice_after(word, strlen("user=")), why)) != NULL;
	buf_printf(why,
	    "'%.*s' says nothing of a caller; write each of tier=NAME, "
	    "project=NAME and user=NAME once at most\n",
	    SLICE_FMT(word));
	return false;
}

static bool
take_caller(struct effective *e, const char *caller, struct buf *why)
{
	const struct named nodes = list_nodes(e->folder);
	size_t len = strcspn(caller, ":");
	const char *rest = caller[len] == '\0' ? NULL : caller + len + 1;

	e->member = find_named(&nodes, slice_make(caller, len), why);
	if (e->member == NULL)
		return false;
	e->node = folder_node(e->folder, e->member->name)->record;
	e->team = mesh_team(folder_mesh(e->folder), e->member->team);
	while (rest != NULL) {
		len = strcspn(rest, ",");
		if (!take_word(e, slice_make(rest, len), why))
			return false;
		rest = rest[len] == '\0' ? NULL : rest + len + 1;
	}
	return true;
}

static int64_t
number_at(const void *record, const struct keyword *k)
{
	int64_t number;

	memcpy(&number, (const char *)record + k->offset, sizeof(number));
	return number;
}

static const char *
write_number(struct arena *arena, const struct keyword *k, int64_t number)
{
	char text[VALUE_NUMBER_CHARS];

	value_write_number(k->type, number, text);
	return arena_text(arena, slice_of(text));
}

int64_t
effective_token_burst(const struct shaping_terms *s)
{
	const int64_t rates[] = { s->tpm, s->input_tpm, s->output_tpm };
	int64_t burst = 0, of;
	size_t i;

	for (i = 0; i < count_of(rates); i++) {
		if (rates[i] == 0)
			continue;
		of = shaper_token_burst(s, rates[i]);
		burst = burst == 0 ? of : min_i64(burst, of);
	}
	return burst;
}

const char *
effective_shaping_text(struct arena *arena, const struct shaping_terms *s)
{
	const struct table *table = &caller_shaping_table;
	const char *text = "";
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct keyword *k = &table->keywords[i];
		int64_t number = number_at(s, k);

		if (strcmp(k->name, "token_burst") == 0)
			number = effective_token_burst(s);
		if (number == 0 ||
		    (s->queue_ms == 0 && number_at(s, k) == s->queue_depth &&
			strcmp(k->name, "queue_depth") == 0))
			continue;
		text = arena_printf(arena, "%s%s%s %s", text,
		    *text != '\0' ? ", " : "", k->name,
		    write_number(arena, k, number));
	}
	if (*text != '\0' && s->queue_ms == 0)
		text = arena_printf(arena, "%s, no queue", text);
	return text;
}

static struct effective_limit *
add_limit(struct effective *e, const char *level, const char *kind)
{
	struct effective_limit *l = &e->limits[e->limits_count++];

	*l = (struct effective_limit){ .level = level, .kind = kind };
	return l;
}

/* All that a table's record says, but for what is no limit itself. */
static void
add_numbers(struct effective *e, const char *level, const struct table *table,
    const void *record)
{
	struct effective_limit *l;
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct keyword *k = &table->keywords[i];
		int64_t number = number_at(record, k);

		if (number == 0 || k->type == VALUE_SHARE)
			continue;
		l = add_limit(e, level, k->name);
		l->number = number;
		l->value = write_number(e->folder->arena, k, number);
	}
}

static void
add_limits(struct effective *e, const char *level,
    const struct limit_terms *limits)
{
	size_t i;

	add_numbers(e, level, &rates_table, &limits->rates);
	i = e->limits_count;
	add_numbers(e, level, &budget_table, &limits->budget);
	for (; i < e->limits_count; i++)
		e->limits[i].warn_ppm = limits->budget.warn_ppm;
}

static void
add_shaping(struct effective *e, const char *level,
    const struct shaping_terms *s)
{
	const char *text = effective_shaping_text(e->folder->arena, s);
	struct effective_limit *l;

	if (*text == '\0')
		return;
	l = add_limit(e, level, "shaping");
	l->value = text;
	l->shaping = s;
}

static void
mark_tightest(struct effective *e)
{
	size_t i, k;

	for (i = 0; i < e->limits_count; i++) {
		struct effective_limit *l = &e->limits[i];

		l->tightest = l->shaping == NULL;
		for (k = 0; k < e->limits_count; k++)
			if (strcmp(e->limits[k].kind, l->kind) == 0 &&
			    e->limits[k].number < l->number)
				l->tightest = false;
	}
}

static void
gather_limits(struct effective *e)
{
	struct arena *arena = e->folder->arena;
	const char *caller;

	e->limits = arena_many(arena, struct effective_limit, LIMITS_MAX);
	add_limits(e, arena_printf(arena, "node %s", e->member->name.ptr),
	    &e->node->limits);
	if (e->project != NULL)
		add_limits(e,
		    arena_printf(arena, "project %s", e->project->name.ptr),
		    &e->project->limits);
	if (e->user != NULL)
		add_limits(e, arena_printf(arena, "user %s", e->user->name.ptr),
		    &e->user->limits);
	if (e->tier != NULL) {
		caller =
		    arena_printf(arena, "caller (tier %s)", e->tier->name.ptr);
		add_limits(e, caller, &e->tier->limits);
		add_shaping(e, caller, &e->tier->shaping);
	}
	add_limits(e,
	    arena_printf(arena, "team %s at the egress", e->team->name.ptr),
	    &e->team->limits);
	mark_tightest(e);
}

static void
add_account(struct effective *e, struct effective_account account)
{
	if (*effective_shaping_text(e->folder->arena, account.shaping) != '\0')
		e->accounts[e->accounts_count++] = account;
}

static bool
has_key(const struct provider *p, const struct team *team)
{
	size_t i;

	for (i = 0; i < p->team_keys_count; i++)
		if (slice_eq(p->team_keys[i].team, team->name))
			return true;
	return false;
}

/* Who calls it passes the provider's gate too, and waits as both let it. */
static const struct shaping_terms *
of_model(const struct effective *e, const struct provider *p,
    const struct model *m)
{
	struct shaping_terms *held;

	if (!shaping_is_said(&m->shaping))
		return &m->shaping;
	held = arena_new(e->folder->arena, struct shaping_terms);
	*held = m->shaping;
	held->queue_ms = shaping_queue_ms(&p->shaping, &m->shaping);
	return held;
}

/* The provider, and those of its models that the caller may get to. */
static void
add_provider(struct effective *e, const struct provider *p, const char *where,
    bool own)
{
	struct effective_account account = { .name = p->name.ptr,
		.where = where,
		.shaping = &p->shaping,
		.own_key = has_key(p, e->team) };
	bool begun = false;
	size_t i;

	for (i = 0; i < p->models_count; i++) {
		if (!own && !team_may_use(e->team, p->models[i].target))
			continue;
		if (!begun)
			add_account(e, account);
		begun = true;
		account.name = p->models[i].target.ptr;
		account.shaping = of_model(e, p, &p->models[i]);
		add_account(e, account);
	}
}

static size_t
count_accounts(const struct provider *providers, size_t count)
{
	size_t i, all = count;

	for (i = 0; i < count; i++)
		all += providers[i].models_count;
	return all;
}

/* Of the node itself, then of the egresses that it dials. */
static void
gather_accounts(struct effective *e)
{
	const struct node_file *n = e->node;
	struct folder *f = e->folder;
	const struct egress_file *parents[MEMBER_PARENTS_MAX];
	size_t i, k, all = count_accounts(n->providers, n->providers_count);

	assert(e->member->parents_count <= count_of(parents));
	for (i = 0; i < e->member->parents_count; i++) {
		parents[i] = folder_egress(f, e->member->parents[i])->record;
		all += count_accounts(parents[i]->providers,
		    parents[i]->providers_count);
	}
	e->accounts = arena_many(f->arena, struct effective_account, all);
	for (k = 0; k < n->providers_count; k++)
		add_provider(e, &n->providers[k],
		    arena_printf(f->arena, "node %s", e->member->name.ptr),
		    true);
	for (i = 0; i < e->member->parents_count; i++)
		for (k = 0; k < parents[i]->providers_count; k++)
			add_provider(e, &parents[i]->providers[k],
			    arena_printf(f->arena, "egress %s",
				e->member->parents[i].ptr),
			    false);
}

bool
effective_find(struct effective *e, struct folder *f, const char *caller,
    struct buf *why)
{
	*e = (struct effective){ .folder = f };
	if (!take_caller(e, caller, why))
		return false;
	gather_limits(e);
	gather_accounts(e);
	return true;
}
