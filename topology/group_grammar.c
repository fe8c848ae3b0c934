/*
 * The keywords of a group: its targets, its contract and its strategies.
 */
#include "common/llm/shape.h"
#include "topology/keys.h"
#include "topology/mesh.h"

static const struct keyword responses_state_keywords[] = {
	{ .name = "ttl",
	    .type = VALUE_DURATION,
	    .required = true,
	    .min = MINUTE_MS,
	    .max = 30 * DAY_MS,
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
	{ .name = "quality",
	    .type = VALUE_SHARE,
	    AT(group_target, quality_ppm),
	    .help = "its score in the team's own evaluation" },
};

static const struct table target_table = { TABLE("a target", target_keywords,
    group_target) };

static const struct keyword contract_keywords[] = {
	{ .name = "workload",
	    .type = VALUE_TEXT,
	    AT(contract, workload),
	    .help = "what it is for, for people" },
	{ .name = "dialects",
	    .form = FORM_SET,
	    .type = VALUE_DIALECT,
	    AT(contract, dialects),
	    .help = "the APIs that callers may come in; else all" },
	{ .name = "requires",
	    .form = FORM_SET,
	    .type = VALUE_CAPABILITY,
	    AT(contract, requires),
	    .help = "what a target has to support, whatever the request" },
	{ .name = "min_context",
	    .type = VALUE_INT,
	    .min = 1,
	    .max = 100000000,
	    AT(contract, min_context_tokens),
	    .help = "tokens that a target's context has at least" },
	{ .name = "min_quality",
	    .type = VALUE_SHARE,
	    AT(contract, min_quality_ppm),
	    .help = "the least score of a target's `quality`; unknown is "
		    "too little" },
	{ .name = "evidence",
	    .type = VALUE_DURATION,
	    .min = MINUTE_MS,
	    .max = 365 * DAY_MS,
	    AT(contract, evidence_ms),
	    .help = "how old a proof of `requires` by `gsr-node test` may "
		    "be; else none is asked for" },
	{ .name = "max_error_rate",
	    .type = VALUE_SHARE,
	    AT(contract, max_error_ppm),
	    .help = "failures among a target's attempts lately" },
	{ .name = "max_ttft",
	    .type = VALUE_DURATION,
	    .min = 1,
	    .max = HOUR_MS,
	    AT(contract, max_ttft_ms),
	    .help = "to the first content lately, of 95 in 100" },
	{ .name = "max_latency",
	    .type = VALUE_DURATION,
	    .min = 1,
	    .max = HOUR_MS,
	    AT(contract, max_latency_ms),
	    .help = "to the end of an answer lately, of 95 in 100" },
	{ .name = "regions",
	    .form = FORM_LIST,
	    .type = VALUE_NAME,
	    AT(contract, regions),
	    COUNT(contract, regions_count),
	    .help = "where it may be served; else where the team's may" },
	{ .name = "max_price",
	    .table = &price_ceiling_table,
	    AT(contract, max_price),
	    .help = "the dearest target; else as the team's" },
	{ .name = "promote_if",
	    .later = true,
	    .help = "when a candidate takes over" },
	{ .name = "roll_back_if",
	    .later = true,
	    .help = "when the last change is undone" },
};

static const struct table contract_table = { TABLE("a contract",
    contract_keywords, contract) };

static const struct keyword group_timeouts_keywords[] = {
	{ .name = "first_byte",
	    .type = VALUE_DURATION,
	    .min = SECOND_MS,
	    .max = HOUR_MS,
	    AT(timeouts, first_byte_ms),
	    .help = "from the request sent to the first byte of the answer" },
	{ .name = "idle",
	    .type = VALUE_DURATION,
	    .min = SECOND_MS,
	    .max = HOUR_MS,
	    AT(timeouts, idle_ms),
	    .help = "between two bytes of an answer" },
	{ .name = "attempt",
	    .type = VALUE_DURATION,
	    .min = 100,
	    .max = DAY_MS,
	    AT(timeouts, attempt_ms),
	    .help = "for one call of a provider" },
	{ .name = "total",
	    .type = VALUE_DURATION,
	    .min = SECOND_MS,
	    .max = DAY_MS,
	    AT(timeouts, total_ms),
	    .help = "for the whole request" },
};

static const struct table group_timeouts_table = { TABLE("timeouts",
    group_timeouts_keywords, timeouts) };

/* Of a score's array of weights. */
#define TERM(word, term, usual, what)                                          \
	{                                                                      \
		.name = (word), .type = VALUE_WEIGHT, .fallback = (usual),     \
		.offset = (term) * sizeof(int64_t), .help = (what)             \
	}

static const struct keyword weights_keywords[] = {
	TERM("cost", TERM_COST, "1", "what the request is estimated to cost"),
	TERM("ttft", TERM_TTFT, "0.5", "time to the first content"),
	TERM("latency", TERM_LATENCY, "0.5", "time to the end"),
	TERM("throughput", TERM_THROUGHPUT, "0.25", "tokens a second"),
	TERM("errors", TERM_ERRORS, "2", "failures among attempts"),
	TERM("quality", TERM_QUALITY, "1", "the targets' `quality`"),
	TERM("complexity", TERM_COMPLEXITY, "1",
	    "quality once more, the more complex the request is"),
	TERM("affinity", TERM_AFFINITY, "1",
	    "input that the target's prompt cache holds already"),
};

static const struct table weights_table = { .name = "weights",
	.keywords = weights_keywords,
	.count = count_of(weights_keywords),
	.bytes = SCORE_TERMS * sizeof(int64_t) };

_Static_assert(count_of(weights_keywords) == SCORE_TERMS,
    "every term has its weight");

const char *
score_term_name(enum score_term term)
{
	return weights_keywords[term].name;
}

static const struct keyword score_keywords[] = {
	{ .name = "weights",
	    .table = &weights_table,
	    AT(score_terms, weights_ppm),
	    .help = "what counts how much" },
	{ .name = "explore",
	    .type = VALUE_SHARE,
	    .fallback = "2%",
	    .max = PPM / 2,
	    AT(score_terms, explore_ppm),
	    .help = "requests that try a target that little is known of" },
	{ .name = "min_attempts",
	    .type = VALUE_INT,
	    .fallback = "10",
	    .min = 1,
	    .max = 10000,
	    AT(score_terms, min_attempts),
	    .help = "with fewer attempts lately, little is known of it" },
	{ .name = "affinity",
	    .type = VALUE_DURATION,
	    .fallback = "5m",
	    .min = SECOND_MS,
	    .max = DAY_MS,
	    AT(score_terms, affinity_ms),
	    .help = "how long a prompt cache is thought warm" },
};

static const struct table score_table = { TABLE("score", score_keywords,
    score_terms) };

static const struct keyword script_keywords[] = {
	{ .name = "file",
	    .type = VALUE_POLICY,
	    .required = true,
	    AT(script_policy, file),
	    .help = "the policy, below the topology's folder" },
	{ .name = "hash",
	    .type = VALUE_HASH,
	    .required = true,
	    AT(script_policy, hash),
	    .help = "BLAKE2b-256 of the file, as `gsr-node policy build` "
		    "prints it" },
	{ .name = "fallback",
	    .type = VALUE_FALLBACK,
	    .required = true,
	    AT(script_policy, fallback),
	    .help = "the strategy that decides when the script does not" },
	{ .name = "cpu",
	    .type = VALUE_DURATION,
	    .fallback = "5ms",
	    .min = 1,
	    .max = 100,
	    AT(script_policy, cpu_ms),
	    .help = "for one decision" },
	{ .name = "memory",
	    .type = VALUE_SIZE,
	    .fallback = "4MiB",
	    .min = MIB,
	    .max = 8 * MIB,
	    AT(script_policy, memory_bytes),
	    .help = "for one decision" },
};

static const struct table script_table = { TABLE("script", script_keywords,
    script_policy) };

static const struct keyword external_keywords[] = {
	{ .name = "url",
	    .type = VALUE_URL,
	    .required = true,
	    AT(external_policy, url),
	    .help = "where the facts are posted" },
	{ .name = "api_key",
	    .type = VALUE_SECRET,
	    AT(external_policy, secret),
	    .help = "secret/NAME, set by `gsr-node secret set NAME`; none is "
		    "sent when left out" },
	{ .name = "ca_file",
	    .type = VALUE_PATH,
	    AT(external_policy, ca_file),
	    .help = "the certificates to trust; else the system's" },
	{ .name = "mode",
	    .type = VALUE_MODE,
	    .fallback = "baseline",
	    AT(external_policy, mode),
	    .help = "how much is left to it" },
	{ .name = "fallback",
	    .type = VALUE_FALLBACK,
	    .required = true,
	    AT(external_policy, fallback),
	    .help = "the strategy that decides when the service does not" },
	{ .name = "on_error",
	    .type = VALUE_ON_ERROR,
	    .fallback = "fall-back",
	    AT(external_policy, fail_closed),
	    .help = "when it fails, or answers what is no order of the "
		    "targets" },
	{ .name = "include_content",
	    .type = VALUE_SWITCH,
	    .fallback = "false",
	    AT(external_policy, include_content),
	    .help = "the request's body goes along" },
	{ .name = "timeout",
	    .type = VALUE_DURATION,
	    .fallback = "200ms",
	    .min = 10,
	    .max = 10 * SECOND_MS,
	    AT(external_policy, timeout_ms),
	    .help = "for its answer" },
};

static const struct table external_table = { TABLE("external",
    external_keywords, external_policy) };

static const struct keyword group_keywords[] = {
	{ .name = "display_name",
	    .type = VALUE_TEXT,
	    AT(group, display_name),
	    .help = "what people see; else the name" },
	{ .name = "strategy",
	    .type = VALUE_STRATEGY,
	    .required = true,
	    AT(group, strategy),
	    .help = "how the targets are put in order" },
	{ .name = "targets",
	    .form = FORM_LIST,
	    .table = &target_table,
	    .required = true,
	    AT(group, targets),
	    COUNT(group, targets_count),
	    .items_max = TARGETS_MAX,
	    .more = "a group has at most 32 targets",
	    .help = "provider/model, or {model: provider/model, weight: N, "
		    "quality: SHARE}" },
	{ .name = "aliases",
	    .form = FORM_LIST,
	    .type = VALUE_MODEL,
	    AT(group, aliases),
	    COUNT(group, aliases_count),
	    .help = "further names that clients insist on; unlike all other "
		    "names of the node" },
	{ .name = "contract",
	    .table = &contract_table,
	    AT(group, contract),
	    .help = "what a target has to fulfil, before any strategy" },
	{ .name = "timeouts",
	    .table = &group_timeouts_table,
	    AT(group, timeouts),
	    .help = "of this group's requests; else as the node's" },
	{ .name = "score",
	    .table = &score_table,
	    AT(group, score),
	    .help = "what strategy score weighs" },
	{ .name = "script",
	    .table = &script_table,
	    AT(group, script),
	    .help = "the policy of strategy script" },
	{ .name = "external",
	    .table = &external_table,
	    AT(group, external),
	    .help = "the policy service of strategy external" },
	{ .name = "max_output",
	    .type = VALUE_INT,
	    .min = 1,
	    .max = OUTPUT_TOKENS_MAX,
	    AT(group, max_output),
	    .help = "the most tokens a request may answer with, sent as its "
		    "cap: what it holds of a budget; else as the model's" },
	{ .name = "output_estimate",
	    .type = VALUE_INT,
	    .fallback = "1000",
	    .min = 1,
	    .max = 100000000,
	    AT(group, output_estimate),
	    .help = "tokens of an answer that rates reserve until it is "
		    "known" },
	{ .name = "shaping",
	    .table = &caller_shaping_table,
	    AT(group, shaping),
	    .help = "smooths the requests of all callers together" },
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

/* What a part of a group says, where it is said; NULL when it is not. */
static const struct yaml_item *
said(const struct yaml_node *group, const char *part)
{
	return yaml_find(group, slice_of(part));
}

/* A strategy's own part is there with it, and only with it. */
static void
check_part(struct reader *r, const struct yaml_node *group,
    enum strategy strategy, enum strategy own)
{
	const char *part = strategy_name(own);
	const struct yaml_item *item = said(group, part);

	if (strategy == own && item == NULL)
		mistake_add(r->mistakes, r->source,
		    said(group, "strategy")->value->place,
		    "strategy %s needs '%s': a mapping", part, part);
	else if (strategy != own && item != NULL)
		mistake_add(r->mistakes, r->source, item->key->place,
		    "'%s' is not acted on by strategy %s; remove it", part,
		    strategy_name(strategy));
}

/* Does a score decide, by itself or as what is fallen back to? */
static bool
scores(const struct group *g)
{
	return g->strategy == STRATEGY_SCORE ||
	       (g->strategy == STRATEGY_SCRIPT &&
		   g->script.fallback == STRATEGY_SCORE) ||
	       (g->strategy == STRATEGY_EXTERNAL &&
		   g->external.fallback == STRATEGY_SCORE);
}

/* A request never reserves more than it may answer with. */
static void
check_estimate(struct reader *r, const struct yaml_node *node,
    const struct group *g)
{
	const struct yaml_item *item = said(node, "output_estimate");

	if (item != NULL && g->max_output > 0 &&
	    g->output_estimate > g->max_output)
		mistake_add(r->mistakes, r->source, item->value->place,
		    "'output_estimate' is more than 'max_output', so it can "
		    "never be reached; make it smaller or remove it");
}

static void
group_finish(struct reader *r, const struct yaml_node *node, void *record)
{
	const struct value_spec *spec = value_spec(VALUE_STRATEGY);
	struct group *g = record;
	enum strategy strategy;

	check_estimate(r, node, g);
	/* One that could not be read is a mistake already. */
	if (!spec->read(r->arena, yaml_text(node, "strategy"), &strategy))
		return;
	check_part(r, node, strategy, STRATEGY_SCRIPT);
	check_part(r, node, strategy, STRATEGY_EXTERNAL);
	if (said(node, "score") != NULL && !scores(g))
		mistake_add(r->mistakes, r->source,
		    said(node, "score")->key->place,
		    "'score' is not acted on by strategy %s; remove it",
		    strategy_name(strategy));
}

const struct table group_table = { TABLE("a group", group_keywords, group),
	.key_type = VALUE_NAME, .finish = group_finish };
