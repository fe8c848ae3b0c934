#include "topology/grammar.h"

#include "common/base/arena.h"
#include "topology/mesh.h"

#define AT(type, field)    .offset = offsetof(struct type, field)
#define COUNT(type, field) .count_offset = offsetof(struct type, field)
#define TABLE(what, array, type)                                               \
	.name = (what), .keywords = (array), .count = count_of(array),         \
	.bytes = sizeof(struct type)

#define SECOND_MS ((int64_t)1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define KIB       ((int64_t)1024)
#define MIB       (1024 * KIB)
#define GIB       (1024 * MIB)

static const struct keyword member_keywords[] = {
	{ .name = "role",
	    .type = VALUE_ROLE,
	    .required = true,
	    AT(member, role),
	    .help = "node (a team's) or egress" },
	{ .name = "team",
	    .type = VALUE_NAME,
	    AT(member, team),
	    .help = "the team that a node belongs to" },
	{ .name = "address",
	    .type = VALUE_ADDRESS,
	    AT(member, address),
	    .help = "where nodes dial an egress" },
	{ .name = "parents",
	    .form = FORM_LIST,
	    .type = VALUE_NAME,
	    AT(member, parents),
	    COUNT(member, parents_count),
	    .inline_max = MEMBER_PARENTS_MAX,
	    .items_max = 1,
	    .more =
		"several parents are known, but this version acts on one only",
	    .help = "the egress that a node dials; exactly one" },
	{ .name = "keys",
	    .form = FORM_LIST,
	    .type = VALUE_KEY,
	    .required = true,
	    AT(member, keys),
	    COUNT(member, keys_count),
	    .inline_max = MEMBER_KEYS_MAX,
	    .items_max = MEMBER_KEYS_MAX,
	    .more = "a member has one key, or two while one is being rotated",
	    .placeholder = "enroll the member and put its stanza in: "
			   "gsr-topology add DIR < stanza",
	    .help = "the public keys that `enroll` printed" },
	{ .name = "region", .later = true, .help = "where the member stands" },
};

const struct table member_table = { TABLE("a member", member_keywords, member),
	.key_type = VALUE_NAME };

static const struct keyword team_keywords[] = {
	{ .name = "signing_key",
	    .type = VALUE_KEY,
	    .required = true,
	    AT(team, signing_key),
	    .placeholder = "make one with gsr-topology keygen FILE",
	    .help = "the public key that signs the team's node files" },
	{ .name = "models",
	    .form = FORM_LIST,
	    .type = VALUE_GRANT,
	    AT(team, models),
	    COUNT(team, models_count),
	    .help = "what the team may use of the egresses; a * may stand at "
		    "the end" },
	{ .name = "allow",
	    .form = FORM_SET,
	    .type = VALUE_ALLOW,
	    AT(team, allow),
	    .help = "what its requests may ask for though it changes price, "
		    "region, routing or the account's state; else nothing" },
	{ .name = "regions",
	    .later = true,
	    .help = "where the team's traffic may be served" },
	{ .name = "max_price",
	    .later = true,
	    .help = "the dearest model the team may use" },
	{ .name = "limits",
	    .later = true,
	    .help = "requests and tokens per minute" },
	{ .name = "budget", .later = true, .help = "sums per day or month" },
	{ .name = "weight",
	    .later = true,
	    .help = "share of a contended provider account" },
	{ .name = "cost_center", .later = true, .help = "a word for reports" },
};

static const struct table team_table = { TABLE("a team", team_keywords, team),
	.key_type = VALUE_NAME };

static const struct keyword mesh_keywords[] = {
	{ .name = "mesh",
	    .type = VALUE_NAME,
	    .required = true,
	    AT(mesh, name),
	    .help = "the mesh's name" },
	{ .name = "members",
	    .form = FORM_MAP,
	    .table = &member_table,
	    .required = true,
	    AT(mesh, members),
	    COUNT(mesh, members_count),
	    .help = "the processes of the mesh by name" },
	{ .name = "teams",
	    .form = FORM_MAP,
	    .table = &team_table,
	    AT(mesh, teams),
	    COUNT(mesh, teams_count),
	    .help = "the teams and what each may do" },
	{ .name = "alerts", .later = true, .help = "where alarms go" },
	{ .name = "retention",
	    .later = true,
	    .help = "how long each class of rows is kept" },
};

const struct table mesh_table = { TABLE("mesh.yaml", mesh_keywords, mesh) };

static const struct keyword timeouts_keywords[] = {
	{ .name = "connect",
	    .type = VALUE_DURATION,
	    .fallback = "10s",
	    .min = 100,
	    .max = 60 * SECOND_MS,
	    AT(timeouts, connect_ms),
	    .help = "to reach the provider, TLS included" },
	{ .name = "first_byte",
	    .type = VALUE_DURATION,
	    .fallback = "5m",
	    .min = SECOND_MS,
	    .max = HOUR_MS,
	    AT(timeouts, first_byte_ms),
	    .help = "from the request sent to the first byte of the answer; "
		    "an answer that is no stream comes whole" },
	{ .name = "idle",
	    .type = VALUE_DURATION,
	    .fallback = "2m",
	    .min = SECOND_MS,
	    .max = HOUR_MS,
	    AT(timeouts, idle_ms),
	    .help = "between two bytes of an answer" },
	{ .name = "total",
	    .type = VALUE_DURATION,
	    .fallback = "10m",
	    .min = SECOND_MS,
	    .max = 24 * HOUR_MS,
	    AT(timeouts, total_ms),
	    .help = "for the whole request" },
};

static const struct table timeouts_table = { TABLE("timeouts",
    timeouts_keywords, timeouts) };

static const struct keyword price_keywords[] = {
	{ .name = "input",
	    .type = VALUE_PRICE,
	    .required = true,
	    AT(price, input),
	    .help = "USD per million input tokens; 0 is free" },
	{ .name = "cached_input",
	    .type = VALUE_PRICE,
	    AT(price, cached_input),
	    .help = "input read from the provider's cache; else as input" },
	{ .name = "cache_write_5m",
	    .type = VALUE_PRICE,
	    AT(price, cache_write_5m),
	    .help = "input written to a 5 minute cache; else as input" },
	{ .name = "cache_write_1h",
	    .type = VALUE_PRICE,
	    AT(price, cache_write_1h),
	    .help = "input written to a 1 hour cache; else as "
		    "cache_write_5m" },
	{ .name = "output",
	    .type = VALUE_PRICE,
	    .required = true,
	    AT(price, output),
	    .help = "USD per million output tokens; 0 is free" },
	{ .name = "reasoning",
	    .type = VALUE_PRICE,
	    AT(price, reasoning),
	    .help = "reasoning tokens; else as output" },
};

static const struct table price_table = { TABLE("a price", price_keywords,
    price) };

static const struct keyword model_keywords[] = {
	{ .name = "price",
	    .table = &price_table,
	    .required = true,
	    AT(model, price),
	    .help = "{input: USD, output: USD} per million tokens; 0 is "
		    "free" },
	{ .name = "max_output",
	    .type = VALUE_INT,
	    .min = 1,
	    .max = 100000000,
	    AT(model, max_output),
	    .help = "the most tokens the model can answer with" },
	{ .name = "context",
	    .later = true,
	    .help = "tokens of input and output together" },
	{ .name = "supports",
	    .form = FORM_SET,
	    .type = VALUE_CAPABILITY,
	    AT(model, supports),
	    .help = "what it can do; only reasoning is acted on yet: then "
		    "requests may choose an effort" },
};

static const struct table model_table = {
	TABLE("a model", model_keywords, model), .key_type = VALUE_MODEL
};

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
		models[i].target = slice_of(arena_printf(r->arena, "%s/%s",
		    p->name.ptr, models[i].name.ptr));
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
	{ .name = "region", .later = true, .help = "where it serves" },
	{ .name = "shaping",
	    .later = true,
	    .help = "the account's size, shared by all teams" },
	{ .name = "discount", .later = true, .help = "off list price" },
	{ .name = "team_keys",
	    .later = true,
	    .help = "accounts that teams bring" },
};

static const struct table provider_table = { TABLE("a provider",
						 provider_keywords, provider),
	.key_type = VALUE_NAME, .finish = provider_finish };

static const struct keyword responses_state_keywords[] = {
	{ .name = "ttl",
	    .type = VALUE_DURATION,
	    .required = true,
	    .min = MINUTE_MS,
	    .max = 30 * 24 * HOUR_MS,
	    AT(responses_state, ttl_ms),
	    .help = "how long an answer is kept" },
	{ .name = "max",
	    .type = VALUE_SIZE,
	    .fallback = "64MiB",
	    .min = MIB,
	    .max = 1024 * GIB,
	    AT(responses_state, max_bytes),
	    .help = "all answers of the group at once; the oldest go first" },
};

static const struct table responses_state_table = { TABLE("responses_state",
    responses_state_keywords, responses_state) };

static const struct keyword target_keywords[] = {
	{ .name = "model",
	    .type = VALUE_TARGET,
	    .required = true,
	    AT(group_target, model),
	    .help = "provider/model" },
	{ .name = "weight",
	    .type = VALUE_INT,
	    .fallback = "1",
	    .min = 0,
	    .max = 1000000,
	    AT(group_target, weight),
	    .help = "share of the draws of strategy weighted; 0: only when "
		    "no other is left" },
};

static const struct table target_table = { TABLE("a target", target_keywords,
    group_target) };

static const struct keyword group_keywords[] = {
	{ .name = "display_name",
	    .type = VALUE_TEXT,
	    AT(group, display_name),
	    .help = "what people see; else the name" },
	{ .name = "strategy",
	    .type = VALUE_STRATEGY,
	    .required = true,
	    AT(group, strategy),
	    .help = "static: the one target" },
	{ .name = "targets",
	    .form = FORM_LIST,
	    .table = &target_table,
	    .required = true,
	    AT(group, targets),
	    COUNT(group, targets_count),
	    .items_max = TARGETS_MAX,
	    .more = "a group has at most 32 targets",
	    .help = "provider/model, or {model: provider/model, weight: N}" },
	{ .name = "aliases",
	    .form = FORM_LIST,
	    .type = VALUE_MODEL,
	    AT(group, aliases),
	    COUNT(group, aliases_count),
	    .help = "further names that clients insist on; unlike all other "
		    "names of the node" },
	{ .name = "contract",
	    .later = true,
	    .help = "what every target has to be able to do" },
	{ .name = "max_output",
	    .later = true,
	    .help = "most tokens a request may answer with" },
	{ .name = "output_estimate",
	    .later = true,
	    .help = "what tokens per minute reserve" },
	{ .name = "drop",
	    .form = FORM_SET,
	    .type = VALUE_DROP,
	    .empty = true,
	    .fallback = "hints",
	    AT(group, drop),
	    .help = "what a request may lose when its target cannot take it, "
		    "named in the answer's X-Router-Dropped; [] is nothing" },
	{ .name = "responses_state",
	    .table = &responses_state_table,
	    AT(group, responses_state),
	    .help = "lets requests go on from earlier answers "
		    "(previous_response_id), whose content the node then "
		    "keeps; else it keeps none" },
	{ .name = "pii", .later = true, .help = "redaction" },
	{ .name = "baseline",
	    .later = true,
	    .help = "what savings are measured against" },
	{ .name = "cache", .later = true, .help = "exact answers kept" },
};

static const struct table group_table = {
	TABLE("a group", group_keywords, group), .key_type = VALUE_NAME
};

/* What node and egress files say alike, in structs that differ. */
#define EDGE_KEYWORDS(file)                                                    \
	{ .name = "admin_listen",                                              \
		.type = VALUE_LISTEN,                                          \
		.fallback = "127.0.0.1:0",                                     \
		AT(file, admin_listen),                                        \
		.help = "for operators: health, metrics; port 0 is any" },     \
	    { .name = "timeouts",                                              \
		    .table = &timeouts_table,                                  \
		    AT(file, timeouts),                                        \
		    .help = "of requests to providers" },                      \
	    { .name = "max_body",                                              \
		    .type = VALUE_SIZE,                                        \
		    .fallback = "32MiB",                                       \
		    .min = KIB,                                                \
		    .max = GIB,                                                \
		    AT(file, max_body_bytes),                                  \
		    .help = "the largest request" },                           \
	{                                                                      \
		.name = "body_memory", .type = VALUE_SIZE,                     \
		.fallback = "256MiB", .min = KIB, .max = 1024 * GIB,           \
		AT(file, body_memory_bytes),                                   \
		.help = "all requests' bodies at once; beyond it 503"          \
	}

static const struct keyword tls_keywords[] = {
	{ .name = "cert",
	    .type = VALUE_PATH,
	    .required = true,
	    AT(node_tls, cert),
	    .help = "PEM: the node's certificate, then those above it" },
	{ .name = "key",
	    .type = VALUE_PATH,
	    .required = true,
	    AT(node_tls, key),
	    .help = "PEM: its key, without a password, and not readable by "
		    "everybody" },
};

static const struct table tls_table = { TABLE("tls", tls_keywords, node_tls) };

static const struct keyword node_keywords[] = {
	{ .name = "listen",
	    .type = VALUE_LISTEN,
	    .required = true,
	    AT(node_file, listen),
	    .help = "host:port for callers" },
	{ .name = "tls",
	    .table = &tls_table,
	    AT(node_file, tls),
	    .help = "callers come by HTTPS; read again at each reload" },
	EDGE_KEYWORDS(node_file),
	{ .name = "providers",
	    .form = FORM_MAP,
	    .table = &provider_table,
	    AT(node_file, providers),
	    COUNT(node_file, providers_count),
	    .help = "the team's own upstreams; all others are the egress's" },
	{ .name = "groups",
	    .form = FORM_MAP,
	    .table = &group_table,
	    .required = true,
	    AT(node_file, groups),
	    COUNT(node_file, groups_count),
	    .help = "what callers send as model" },
	{ .name = "link_listen",
	    .later = true,
	    .help = "host:port for links, of a hub" },
	{ .name = "projects", .later = true, .help = "budgets of projects" },
	{ .name = "tiers", .later = true, .help = "limits of callers" },
};

const struct table node_table = { TABLE("a node file", node_keywords,
    node_file) };

static const struct keyword egress_keywords[] = {
	{ .name = "listen",
	    .type = VALUE_LISTEN,
	    .required = true,
	    AT(egress_file, listen),
	    .help = "host:port for links of nodes" },
	EDGE_KEYWORDS(egress_file),
	{ .name = "https_proxy",
	    .type = VALUE_URL,
	    AT(egress_file, https_proxy),
	    .help = "the way to providers; never taken from the "
		    "environment" },
	{ .name = "providers",
	    .form = FORM_MAP,
	    .table = &provider_table,
	    .required = true,
	    AT(egress_file, providers),
	    COUNT(egress_file, providers_count),
	    .help = "provider accounts by name" },
};

const struct table egress_table = { TABLE("an egress file", egress_keywords,
    egress_file) };
