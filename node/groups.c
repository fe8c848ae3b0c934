#include "node/groups.h"

#include "common/base/buf.h"
#include "common/format/json.h"
#include "common/llm/capability.h"
#include "common/llm/catalog.h"
#include "node/uplink.h"
#include "topology/load.h"

#define URL_MAX 4096

static void
put_capabilities(struct json_writer *w, const char *name, unsigned bits)
{
	size_t i;

	json_key(w, name);
	json_open(w, '[');
	for (i = 0; i < CAPABILITIES; i++)
		if ((bits & (1u << i)) != 0)
			json_put_text(w, slice_of(capability_name(i)));
	json_close(w, ']');
}

static void
put_dialects(struct json_writer *w, unsigned bits)
{
	unsigned d;

	json_key(w, "dialects");
	json_open(w, '[');
	for (d = 0; d < DIALECTS; d++)
		if ((bits & (1u << d)) != 0)
			json_put_text(w,
			    slice_of(dialect_name((enum dialect)d)));
	json_close(w, ']');
}

static enum dialect
first_dialect(unsigned bits)
{
	unsigned d = 0;

	while (d + 1 < DIALECTS && (bits & (1u << d)) == 0)
		d++;
	return (enum dialect)d;
}

static void
put_direct(struct json_writer *w, const struct model *m)
{
	const struct provider *p = m->provider;
	enum dialect d = first_dialect(p->dialects);
	struct buf url;

	buf_init(&url, URL_MAX);
	provider_put_url(&url, p, d, OPERATION_GENERATE);
	json_key(w, "direct");
	json_open(w, '{');
	json_field_text(w, "dialect", slice_of(dialect_name(d)));
	json_field_text(w, "url", buf_slice(&url));
	json_field_text(w, "model", m->name);
	json_field_text(w, "cap_key", slice_of(p->type->cap_key));
	json_field_text(w, "auth_field", slice_of(p->type->auth_field));
	json_field_text(w, "auth_prefix", slice_of(p->type->auth_prefix));
	json_field_text(w, "secret", p->secret);
	json_field_text(w, "ca_file", p->ca_file);
	json_close(w, '}');
	buf_fini(&url);
}

/* Of each parent, in their order; NULL where none came. */
struct catalogs {
	struct catalog *of[MEMBER_PARENTS_MAX];
};

/* The first that offers it. */
static const struct catalog_entry *
find_entry(const struct catalogs *c, struct slice target, struct slice *egress)
{
	const struct catalog_entry *e = NULL;
	size_t i;

	*egress = slice_of("");
	for (i = 0; e == NULL && i < MEMBER_PARENTS_MAX; i++) {
		e = catalog_find(c->of[i], target);
		if (e != NULL)
			*egress = c->of[i]->egress;
	}
	return e;
}

static void
put_target(struct json_writer *w, const struct node_file *file,
    const struct catalogs *catalogs, const struct group_target *target)
{
	const struct model *m =
	    find_model(file->providers, file->providers_count, target->model);
	struct slice egress = slice_of("");
	const struct catalog_entry *e =
	    m == NULL ? find_entry(catalogs, target->model, &egress) : NULL;

	json_open(w, '{');
	json_field_text(w, "target", target->model);
	json_field_int(w, "weight", target->weight);
	json_field_int(w, "quality_ppm", target->quality_ppm);
	json_field_text(w, "egress", egress);
	json_field_bool(w, "offered", m != NULL || e != NULL);
	if (m != NULL) {
		put_dialects(w, m->provider->dialects);
		put_capabilities(w, "supports", m->supports);
		json_field_bool(w, "stated", m->supports_stated);
		put_direct(w, m);
	} else if (e != NULL) {
		put_dialects(w, e->dialects);
		put_capabilities(w, "supports", e->supports);
		json_field_bool(w, "stated", e->supports_stated);
	}
	json_close(w, '}');
}

static void
put_script(struct json_writer *w, const struct script_policy *p)
{
	char hash[2 * HASH_BYTES + 1];

	hex_write(hash, &p->hash, sizeof(p->hash));
	json_field_text(w, "file", p->file);
	json_field_text(w, "hash", slice_of(hash));
	json_field_text(w, "fallback", slice_of(strategy_name(p->fallback)));
	json_field_int(w, "cpu_ms", p->cpu_ms);
	json_field_int(w, "memory_bytes", p->memory_bytes);
}

static void
put_external(struct json_writer *w, const struct external_policy *p)
{
	json_field_text(w, "url", p->url);
	json_field_text(w, "mode", slice_of(external_mode_name(p->mode)));
	json_field_text(w, "fallback", slice_of(strategy_name(p->fallback)));
	json_field_bool(w, "fail_closed", p->fail_closed);
	json_field_bool(w, "include_content", p->include_content);
	json_field_int(w, "timeout_ms", p->timeout_ms);
}

static void
put_score(struct json_writer *w, const struct score_terms *s)
{
	enum score_term t;

	json_key(w, "weights_ppm");
	json_open(w, '{');
	for (t = 0; t < SCORE_TERMS; t++)
		json_field_int(w, score_term_name(t), s->weights_ppm[t]);
	json_close(w, '}');
	json_field_int(w, "explore_ppm", s->explore_ppm);
	json_field_int(w, "min_attempts", s->min_attempts);
}

/* By what its strategy orders, besides the targets themselves. */
static void
put_policy(struct json_writer *w, const struct group *g)
{
	json_key(w, "policy");
	json_open(w, '{');
	if (g->strategy == STRATEGY_SCRIPT)
		put_script(w, &g->script);
	else if (g->strategy == STRATEGY_EXTERNAL)
		put_external(w, &g->external);
	else if (g->strategy == STRATEGY_SCORE)
		put_score(w, &g->score);
	json_close(w, '}');
}

/* What every target has to fulfil; where it is not said 0, and -1 of a share
 * and of a price. */
static void
put_contract(struct json_writer *w, const struct contract *c)
{
	size_t i;

	json_key(w, "contract");
	json_open(w, '{');
	json_field_text(w, "workload", c->workload);
	json_field_int(w, "min_context_tokens", c->min_context_tokens);
	json_field_int(w, "min_quality_ppm", c->min_quality_ppm);
	json_field_int(w, "max_error_ppm", c->max_error_ppm);
	json_field_int(w, "max_ttft_ms", c->max_ttft_ms);
	json_field_int(w, "max_latency_ms", c->max_latency_ms);
	json_field_int(w, "max_price_input", c->max_price.input);
	json_field_int(w, "max_price_output", c->max_price.output);
	json_key(w, "regions");
	json_open(w, '[');
	for (i = 0; i < c->regions_count; i++)
		json_put_text(w, c->regions[i]);
	json_close(w, ']');
	json_close(w, '}');
}

static void
put_group(struct json_writer *w, const struct node_file *file,
    const struct catalogs *catalogs, const struct group *g)
{
	const struct contract *c = &g->contract;
	size_t i;

	json_open(w, '{');
	json_field_text(w, "name", g->name);
	json_field_text(w, "display_name", g->display_name);
	json_field_texts(w, "aliases", g->aliases, g->aliases_count);
	json_field_text(w, "strategy", slice_of(strategy_name(g->strategy)));
	put_dialects(w, c->dialects != 0 ? c->dialects : IN_ANY);
	put_capabilities(w, "requires", c->requires);
	json_field_int(w, "evidence_ms", c->evidence_ms);
	put_policy(w, g);
	put_contract(w, c);
	json_key(w, "targets");
	json_open(w, '[');
	for (i = 0; i < g->targets_count; i++)
		put_target(w, file, catalogs, &g->targets[i]);
	json_close(w, ']');
	json_close(w, '}');
}

void
groups_write(struct buf *out, const struct topology *t, struct ledger *ledger)
{
	struct json_writer w = { .out = out };
	struct catalogs catalogs = { { NULL } };
	size_t i;

	for (i = 0; i < t->self->parents_count; i++)
		catalogs.of[i] =
		    uplink_stored_catalog(ledger, t->self->parents[i]);
	json_open(&w, '{');
	json_field_text(&w, "listen", t->node->listen);
	json_field_bool(&w, "https", t->node->tls.cert.len > 0);
	json_key(&w, "groups");
	json_open(&w, '[');
	for (i = 0; i < t->node->groups_count; i++)
		put_group(&w, t->node, &catalogs, &t->node->groups[i]);
	json_close(&w, ']');
	json_close(&w, '}');
	buf_putc(out, '\n');
	for (i = 0; i < MEMBER_PARENTS_MAX; i++)
		catalog_release(catalogs.of[i]);
}
