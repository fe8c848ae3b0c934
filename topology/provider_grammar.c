/*
 * The keywords of a provider and its models.
 */
#include "common/base/arena.h"
#include "common/llm/capability.h"
#include "common/llm/shape.h"
#include "topology/keys.h"
#include "topology/mesh.h"

static const struct keyword model_keywords[] = {
	{ .name = "price",
	    .table = &price_table,
	    .required = true,
	    AT(model, written),
	    .help = "{input: USD, output: USD} per million tokens; 0 is "
		    "free" },
	{ .name = "max_output",
	    .type = VALUE_INT,
	    .min = 1,
	    .max = OUTPUT_TOKENS_MAX,
	    AT(model, max_output),
	    .help = "the most tokens the model can answer with" },
	{ .name = "context",
	    .type = VALUE_INT,
	    .min = 1,
	    .max = 100000000,
	    AT(model, context),
	    .help = "tokens of input and output together; longer requests "
		    "go elsewhere" },
	{ .name = "max_body",
	    .type = VALUE_SIZE,
	    .min = 1,
	    .max = GIB,
	    AT(model, max_body_bytes),
	    .help = "the largest request it takes" },
	{ .name = "max_tools",
	    .type = VALUE_SIZE,
	    .min = 1,
	    .max = GIB,
	    AT(model, max_tools_bytes),
	    .help = "the most that the definitions of a request's tools may "
		    "be together" },
	{ .name = "supports",
	    .form = FORM_SET,
	    .type = VALUE_CAPABILITY,
	    .empty = true,
	    AT(model, supports),
	    .help = "what it can do, and [] is nothing of the list; left "
		    "out, nobody knows: then it is tried, but not where a "
		    "contract requires something" },
	{ .name = "lacks",
	    .form = FORM_SET,
	    .type = VALUE_IMPLIED,
	    AT(model, lacks),
	    .help = "what it cannot do although it is implied" },
	{ .name = "shaping",
	    .table = &account_shaping_table,
	    AT(model, shaping),
	    .help = "what the account has for this model, within the "
		    "provider's" },
};

/* A request has no more input than the context has room for. */
static void
check_tiers_reached(struct reader *r, const struct yaml_node *node,
    const struct model *m)
{
	const struct price *p = &m->written.list;
	size_t i;

	for (i = 0; i < p->tiers_count && m->context > 0; i++)
		if (p->tiers[i].above_tokens >= m->context)
			mistake_add(r->mistakes, r->source, node->place,
			    "the price above %jd tokens can never be reached: "
			    "the model's 'context' is %jd",
			    (intmax_t)p->tiers[i].above_tokens,
			    (intmax_t)m->context);
}

/* What it can do, with what is implied. */
static void
model_finish(struct reader *r, const struct yaml_node *node, void *record)
{
	const struct yaml_item *lacks = yaml_find(node, slice_of("lacks"));
	struct model *m = record;

	m->supports_stated = yaml_find(node, slice_of("supports")) != NULL;
	if ((m->supports & m->lacks) != 0)
		mistake_add(r->mistakes, r->source, lacks->key->place,
		    "'lacks' names what 'supports' names too");
	if ((m->supports & CAPABILITY_TOOLS) != 0)
		m->supports |=
		    CAPABILITY_FORCED_TOOLS | CAPABILITY_PARALLEL_TOOLS;
	m->supports |= CAPABILITY_OUTPUT_CAP;
	m->supports &= ~m->lacks;
	check_tiers_reached(r, node, m);
}

static const struct table model_table = { TABLE("a model", model_keywords,
					      model),
	.key_type = VALUE_MODEL, .finish = model_finish };

/* What an account has in a minute, or at once. */
static const struct {
	const char *name;
	size_t offset;
} rates[] = {
	{ "rpm", offsetof(struct shaping_terms, rpm) },
	{ "tpm", offsetof(struct shaping_terms, tpm) },
	{ "input_tpm", offsetof(struct shaping_terms, input_tpm) },
	{ "output_tpm", offsetof(struct shaping_terms, output_tpm) },
	{ "concurrent", offsetof(struct shaping_terms, concurrent) },
};

static int64_t
rate_of(const struct shaping_terms *s, size_t i)
{
	int64_t rate;

	memcpy(&rate, (const char *)s + rates[i].offset, sizeof(rate));
	return rate;
}

/* Where the model's shaping says it; `node` is the provider. */
static struct yaml_place
rate_place(const struct yaml_node *node, const struct model *m,
    const char *rate)
{
	const char *const path[] = { "models", m->name.ptr, "shaping", rate };
	struct yaml_place place = node->place;
	const struct yaml_item *item;
	size_t i;

	for (i = 0; i < count_of(path); i++) {
		item = yaml_find(node, slice_of(path[i]));
		node = item->value;
		place = node->place;
	}
	return place;
}

/* A model gets at most what the account has. */
static void
check_model_rates(struct reader *r, const struct yaml_node *node,
    const struct provider *p, const struct model *m)
{
	size_t i;

	for (i = 0; i < count_of(rates); i++) {
		if (rate_of(&p->shaping, i) == 0 ||
		    rate_of(&m->shaping, i) <= rate_of(&p->shaping, i))
			continue;
		mistake_add(r->mistakes, r->source,
		    rate_place(node, m, rates[i].name),
		    "'%s' is more than the provider's %jd, so it can never be "
		    "reached; make it smaller or remove it",
		    rates[i].name, (intmax_t)rate_of(&p->shaping, i));
	}
}

static void
provider_finish(struct reader *r, const struct yaml_node *node, void *record)
{
	struct provider *p = record;
	struct model *models = (struct model *)p->models;
	size_t i;

	if (p->type != NULL && p->base_url.len == 0 &&
	    yaml_find(node, slice_of("base_url")) == NULL) {
		if (p->type->base_url == NULL)
			mistake_add(r->mistakes, r->source, node->place,
			    "a provider of type %s needs 'base_url'",
			    p->type->name);
		else
			p->base_url = slice_of(p->type->base_url);
	}
	if (p->type != NULL && p->dialects == 0)
		p->dialects = p->type->dialects;
	for (i = 0; i < p->models_count; i++) {
		models[i].provider = p;
		models[i].price = models[i].written.list;
		price_discount(&models[i].price, p->discount_ppm);
		models[i].target = slice_of(arena_printf(r->arena, "%s/%s",
		    p->name.ptr, models[i].name.ptr));
		check_model_rates(r, node, p, &models[i]);
	}
}

static const struct keyword provider_keywords[] = {
	{ .name = "type",
	    .type = VALUE_PRESET,
	    .required = true,
	    AT(provider, type),
	    .help = "how it wants to be spoken to, as openai, anthropic, vllm "
		    "or openai-compatible" },
	{ .name = "base_url",
	    .type = VALUE_URL,
	    AT(provider, base_url),
	    .help = "where its API begins, with /v1; else as the type says" },
	{ .name = "api_key",
	    .type = VALUE_SECRET,
	    AT(provider, secret),
	    .help = "secret/NAME, set by `secret set NAME`; none is sent when "
		    "left out" },
	{ .name = "dialects",
	    .form = FORM_SET,
	    .type = VALUE_DIALECT,
	    AT(provider, dialects),
	    .help = "the APIs that it speaks; else as the type says" },
	{ .name = "ca_file",
	    .type = VALUE_PATH,
	    AT(provider, ca_file),
	    .help = "the certificates to trust; else the system's" },
	{ .name = "models",
	    .form = FORM_MAP,
	    .table = &model_table,
	    .required = true,
	    AT(provider, models),
	    COUNT(provider, models_count),
	    .help = "its models by the provider's names, each with a price" },
	{ .name = "region",
	    .type = VALUE_NAME,
	    AT(provider, region),
	    .help = "where it serves; else where its member stands" },
	{ .name = "shaping",
	    .table = &account_shaping_table,
	    AT(provider, shaping),
	    .help = "the account's size, shared by all who use it" },
	{ .name = "discount",
	    .type = VALUE_SHARE,
	    .fallback = "0%",
	    AT(provider, discount_ppm),
	    .help = "off all its models' prices, which are list prices then" },
	{ .name = "team_keys",
	    .form = FORM_MAP,
	    .type = VALUE_SECRET,
	    AT(provider, team_keys),
	    COUNT(provider, team_keys_count),
	    .help = "of an egress: the keys of teams that bring an account of "
		    "their own" },
};

_Static_assert(offsetof(struct team_key, secret) == sizeof(struct slice) &&
		   sizeof(struct team_key) == 2 * sizeof(struct slice),
    "a team's key is as a map of scalars is read");

const struct table provider_table = { TABLE("a provider", provider_keywords,
					  provider),
	.key_type = VALUE_NAME, .finish = provider_finish };
