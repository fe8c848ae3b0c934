#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/memory.h"
#include "topology/commands.h"
#include "topology/preset.h"
#include "topology/review.h"
#include "topology/scaffold.h"
#include "topology/value.h"

#define INIT_ARENA_BYTES ((size_t)8 * 1024 * 1024)
#define WHY_BYTES_MAX    ((size_t)16 * 1024)

struct init_options {
	const char *operator_key, *team_keys;
	const char *mesh, *egress, *egress_address, *egress_listen;
	const char *node_listen;
	struct option_list nodes, providers, models, groups;
};

static bool
bad_option(struct scaffold *s, const char *name, const char *text,
    const char *right)
{
	buf_printf(&s->why, "--%s '%s' is not %s\n", name, text, right);
	return false;
}

/* Split at the first `at`; false when there is none. */
static bool
cut(struct slice text, char at, struct slice *left, struct slice *right)
{
	const char *found =
	    text.len > 0 ? memchr(text.ptr, at, text.len) : NULL;

	if (found == NULL)
		return false;
	*left = slice_make(text.ptr, (size_t)(found - text.ptr));
	*right = slice_after(text, left->len + 1);
	return true;
}

static bool
is_value(struct scaffold *s, enum value_type type, struct slice text)
{
	void *at = arena_alloc(&s->arena, value_spec(type)->bytes);

	return value_spec(type)->read(&s->arena, text, at);
}

static bool
take_node(struct scaffold *s, const char *text)
{
	struct scaffold_node *n = &s->nodes[s->nodes_count++];

	if (cut(slice_of(text), ':', &n->name, &n->team) && is_name(n->name) &&
	    is_name(n->team))
		return true;
	return bad_option(s, "node", text, "NAME:TEAM");
}

static const char *
known_types(struct scaffold *s)
{
	const char *text = "NAME=TYPE[:BASE_URL] of a known type:";
	size_t i;

	for (i = 0; preset_name(i) != NULL; i++)
		text = arena_printf(&s->arena, "%s%s %s", text,
		    i > 0 ? "," : "", preset_name(i));
	return text;
}

static bool
take_provider(struct scaffold *s, const char *text)
{
	struct scaffold_provider *p = &s->providers[s->providers_count++];
	const struct provider_type *type;
	struct slice rest;

	if (!cut(slice_of(text), '=', &p->name, &rest) || !is_name(p->name))
		return bad_option(s, "provider", text, "NAME=TYPE[:BASE_URL]");
	if (!cut(rest, ':', &p->type, &p->base_url))
		p->type = rest;
	type = preset_find(p->type);
	if (type == NULL)
		return bad_option(s, "provider", text, known_types(s));
	if (p->base_url.len == 0 && type->base_url == NULL)
		return bad_option(s, "provider", text,
		    "complete: this type needs a base URL, as "
		    "NAME=vllm:http://host:8000/v1");
	if (p->base_url.len > 0 && !is_value(s, VALUE_URL, p->base_url))
		return bad_option(s, "provider", text, "with a good URL");
	return true;
}

static bool
take_model(struct scaffold *s, const char *text)
{
	struct scaffold_model *m = &s->models[s->models_count++];
	struct slice prices, more;

	if (!cut(slice_of(text), '=', &m->target, &prices) ||
	    !is_value(s, VALUE_TARGET, m->target) ||
	    !cut(m->target, '/', &m->provider, &m->model) ||
	    !cut(prices, ',', &m->input, &m->output))
		return bad_option(s, "model", text,
		    "provider/model=INPUT,OUTPUT[,CACHED_INPUT]");
	if (cut(m->output, ',', &m->output, &more))
		m->cached = more;
	if (is_value(s, VALUE_PRICE, m->input) &&
	    is_value(s, VALUE_PRICE, m->output) &&
	    (m->cached.len == 0 || is_value(s, VALUE_PRICE, m->cached)))
		return true;
	return bad_option(s, "model", text,
	    "with good prices: USD per million tokens, as 0.25,2.00");
}

static bool
take_group(struct scaffold *s, const char *text)
{
	struct scaffold_group *g = &s->groups[s->groups_count++];

	if (cut(slice_of(text), '=', &g->name, &g->target) &&
	    is_name(g->name) && is_value(s, VALUE_TARGET, g->target))
		return true;
	return bad_option(s, "group", text, "NAME=provider/model");
}

/* Each of the list, or the default when it is empty. */
static bool
take_each(struct scaffold *s, const struct option_list *list,
    const char *fallback, bool (*take)(struct scaffold *s, const char *text))
{
	size_t i;

	if (list->count == 0)
		return take(s, fallback);
	for (i = 0; i < list->count; i++)
		if (!take(s, list->items[i]))
			return false;
	return true;
}

static const char *
or_else(const char *text, const char *fallback)
{
	return text != NULL ? text : fallback;
}

/* Defaults are those of the smallest mesh that shows everything. */
static bool
take_names(struct scaffold *s, const struct init_options *o)
{
	s->mesh = or_else(o->mesh, "demo");
	s->egress = or_else(o->egress, "central");
	s->egress_address = or_else(o->egress_address, "127.0.0.1:7443");
	s->egress_listen = o->egress_listen;
	s->node_listen = or_else(o->node_listen, "127.0.0.1:8080");
	if (!is_name(slice_of(s->mesh)))
		return bad_option(s, "mesh", s->mesh, "a name");
	if (!is_name(slice_of(s->egress)))
		return bad_option(s, "egress", s->egress, "a name");
	if (!is_value(s, VALUE_ADDRESS, slice_of(s->egress_address)))
		return bad_option(s, "egress-address", s->egress_address,
		    "HOST:PORT");
	if (s->egress_listen != NULL &&
	    !is_value(s, VALUE_LISTEN, slice_of(s->egress_listen)))
		return bad_option(s, "egress-listen", s->egress_listen,
		    "HOST:PORT");
	if (!is_value(s, VALUE_LISTEN, slice_of(s->node_listen)))
		return bad_option(s, "node-listen", s->node_listen,
		    "HOST:PORT");
	return true;
}

static bool
take_options(struct scaffold *s, const struct init_options *o)
{
	const char *group;

	if (!take_names(s, o) ||
	    !take_each(s, &o->nodes, "payments:payments", take_node) ||
	    !take_each(s, &o->providers, "openai=openai", take_provider) ||
	    !take_each(s, &o->models, "openai/gpt-5-mini=0.25,2.00,0.025",
		take_model))
		return false;
	group = arena_printf(&s->arena, "assistant=%.*s",
	    SLICE_FMT(s->models[0].target));
	return take_each(s, &o->groups, group, take_group);
}

/* A key does not lie in the folder that it signs, which goes to git. */
static bool
is_inside(const char *path, const char *folder)
{
	char copy[PATH_MAX], real[PATH_MAX];
	size_t len = strlen(folder);

	snprintf(copy, sizeof(copy), "%s", path);
	return realpath(dirname(copy), real) != NULL &&
	       strncmp(real, folder, len) == 0 &&
	       (real[len] == '\0' || real[len] == '/');
}

/* Where the folder lies, and where its keys go. */
static bool
take_places(struct scaffold *s, const struct init_options *o)
{
	char real[PATH_MAX], copy[PATH_MAX];
	const char *beside;

	if (mkdir(s->dir, 0755) != 0 && errno != EEXIST) {
		buf_printf(&s->why, "%s cannot be made: %s\n", s->dir,
		    strerror(errno));
		return false;
	}
	if (realpath(s->dir, real) == NULL) {
		buf_printf(&s->why, "%s: %s\n", s->dir, strerror(errno));
		return false;
	}
	snprintf(copy, sizeof(copy), "%s", real);
	beside = arena_text(&s->arena, slice_of(dirname(copy)));
	s->team_keys = or_else(o->team_keys, beside);
	s->operator_file = o->operator_key;
	if (s->operator_file == NULL)
		s->operator_file =
		    arena_printf(&s->arena, "%s/operator.key", beside);
	if (!is_inside(s->operator_file, real) &&
	    !is_inside(arena_printf(&s->arena, "%s/key", s->team_keys), real))
		return true;
	buf_printf(&s->why,
	    "keys do not lie in the folder that they sign: it goes to git, "
	    "they do not\n");
	return false;
}

static void
print_next_steps(const struct scaffold *s)
{
	const struct scaffold_node *node = &s->nodes[0];
	char key[PUBLIC_KEY_CHARS];

	public_key_write(&s->operator_key, key);
	printf("%s: the first files of mesh %s\n"
	       "operator key: %s\n"
	       "signing keys: %s and %s/TEAM.key (keep them out of git)\n\n"
	       "Next, on each member's machine, and then here:\n"
	       "  gsr-egress enroll --mesh %s --operator-key %s --name %s …\n"
	       "  gsr-node enroll --mesh %s --operator-key %s --name %.*s …\n"
	       "  gsr-topology add %s < STANZA      for each stanza printed\n"
	       "  gsr-topology sign %s --key %s\n"
	       "  gsr-topology sign %s --key %s/%.*s.key --node %.*s\n",
	    s->dir, s->mesh, key, s->operator_file, s->team_keys, s->mesh, key,
	    s->egress, s->mesh, key, SLICE_FMT(node->name), s->dir, s->dir,
	    s->operator_file, s->dir, s->team_keys, SLICE_FMT(node->team),
	    SLICE_FMT(node->name));
}

static int
init(const void *options, int count, char *const *operands)
{
	struct scaffold *s = xcalloc(1, sizeof(*s));
	bool fine;

	(void)count;
	s->dir = operands[0];
	arena_init(&s->arena, INIT_ARENA_BYTES);
	buf_init(&s->why, WHY_BYTES_MAX);
	fine = take_options(s, options) && take_places(s, options) &&
	       scaffold_write(s);
	complain(&s->why);
	if (fine)
		print_next_steps(s);
	buf_fini(&s->why);
	arena_fini(&s->arena);
	free(s);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define AT(field) .offset = offsetof(struct init_options, field)

static const struct option_spec options[] = {
	{ .name = "operator-key",
	    .value = "FILE",
	    .type = OPTION_TEXT,
	    AT(operator_key),
	    .help = "made when not there; operator.key beside DIR" },
	{ .name = "team-keys",
	    .value = "DIR",
	    .type = OPTION_TEXT,
	    AT(team_keys),
	    .help = "where TEAM.key is or is made; beside DIR" },
	{ .name = "mesh",
	    .value = "NAME",
	    .type = OPTION_TEXT,
	    AT(mesh),
	    .help = "demo" },
	{ .name = "egress",
	    .value = "NAME",
	    .type = OPTION_TEXT,
	    AT(egress),
	    .help = "central" },
	{ .name = "egress-address",
	    .value = "HOST:PORT",
	    .type = OPTION_TEXT,
	    AT(egress_address),
	    .help = "where nodes dial it; 127.0.0.1:7443" },
	{ .name = "egress-listen",
	    .value = "HOST:PORT",
	    .type = OPTION_TEXT,
	    AT(egress_listen),
	    .help = "the same, or all addresses when that is a name" },
	{ .name = "node",
	    .value = "NAME:TEAM",
	    .type = OPTION_LIST,
	    AT(nodes),
	    .help = "payments:payments" },
	{ .name = "node-listen",
	    .value = "HOST:PORT",
	    .type = OPTION_TEXT,
	    AT(node_listen),
	    .help = "of the first node; 127.0.0.1:8080, then 8081 …" },
	{ .name = "provider",
	    .value = "NAME=TYPE[:URL]",
	    .type = OPTION_LIST,
	    AT(providers),
	    .help = "openai=openai" },
	{ .name = "model",
	    .value = "TARGET=IN,OUT[,CACHED]",
	    .type = OPTION_LIST,
	    AT(models),
	    .help = "with prices; openai/gpt-5-mini=0.25,2.00,0.025" },
	{ .name = "group",
	    .value = "NAME=TARGET",
	    .type = OPTION_LIST,
	    AT(groups),
	    .help = "of every node; assistant=the first model" },
};

const struct command init_command = {
	.name = "init",
	.operands = "DIR",
	.summary = "write the first files of a mesh, and its keys",
	.text = "Makes DIR with mesh.yaml, egress/NAME.yaml and "
		"node/NAME.yaml, and beside\nit the operator's and the teams' "
		"signing keys (0600; never in the folder).\nMembers wait for "
		"their keys: enroll each, and `gsr-topology add` its stanza.\n"
		"\n"
		"  gsr-topology init mesh --mesh acme --node search:search \\\n"
		"    --provider gpu=vllm:http://10.0.0.7:8000/v1 \\\n"
		"    --model gpu/qwen3-coder=0.20,0.60",
	.options = options,
	.options_count = count_of(options),
	.options_bytes = sizeof(struct init_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = init,
};
