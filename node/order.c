#include "node/order.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/stat.h"
#include "common/format/json.h"
#include "common/member/worker.h"
#include "common/net/http.h"
#include "node/affinity.h"
#include "node/caller.h"
#include "node/eligible.h"
#include "node/node.h"
#include "node/request.h"
#include "node/strategy/contract.h"
#include "node/strategy/external.h"
#include "node/strategy/script.h"
#include "topology/load.h"

#define PIN_FIELD "X-Router-Target"
#define BODY_MORE 65536 /* of a contract, beside the content */
#define WHY_MAX   256

/* By a strategy that needs nobody else. */
static void
order_by(struct plan *p, enum strategy strategy, const struct order_wish *wish)
{
	switch (strategy) {
	case STRATEGY_WEIGHTED:
		order_weighted(p, wish);
		break;
	case STRATEGY_SCORE:
		order_score(p, wish);
		break;
	default:
		order_listed(p, wish);
		break;
	}
	p->strategy = strategy;
}

static void
fall_back(struct plan *p, enum strategy strategy, const char *failed,
    const struct order_wish *wish)
{
	order_by(p, strategy, wish);
	p->decider = DECIDED_BY_FALLBACK;
	p->failed = failed;
}

static void
order_by_script(struct plan *p, struct scripts *scripts,
    const struct contract_wish *wish)
{
	const struct script_policy *policy = &wish->wish->group->script;
	int64_t begun = clock_mono_us();
	const char *failed = script_order(scripts, p, wish);

	p->policy_us = clock_mono_us() - begun;
	stat_add(STAT_POLICIES, 1);
	if (failed == NULL)
		return;
	stat_add(STAT_POLICIES_FAILED, 1);
	log_warn("policy did not decide",
	    log_slice("group", wish->wish->group->name),
	    log_slice("file", policy->file), log_str("why", failed));
	fall_back(p, policy->fallback, failed, wish->wish);
}

void
order_decide(struct plan *p, struct scripts *scripts,
    const struct contract_wish *wish)
{
	const struct group *g = wish->wish->group;
	int64_t begun = clock_mono_us();

	switch (g->strategy) {
	case STRATEGY_SCRIPT:
		order_by_script(p, scripts, wish);
		break;
	case STRATEGY_EXTERNAL:
		order_by(p, g->external.fallback, wish->wish);
		p->decider = DECIDED_BY_BASELINE;
		break;
	default:
		order_by(p, g->strategy, wish->wish);
		break;
	}
	p->decided_us = clock_mono_us() - begun;
}

/* The last 64 bits of the id are random, or follow such. */
static uint64_t
seed_of(const struct request *r)
{
	uint64_t seed;

	memcpy(&seed, r->id.bytes + ID_BYTES - sizeof(seed), sizeof(seed));
	return seed;
}

struct order_wish
order_wish_of(const struct request *r)
{
	return (struct order_wish){
		.group = r->group,
		.shape = &r->shape,
		.complexity = r->complexity,
		.seed = seed_of(r),
	};
}

struct contract_wish
order_contract(const struct request *r, const struct order_wish *wish)
{
	return (struct contract_wish){
		.plan = &r->plan,
		.wish = wish,
		.request_id = r->id_text,
		.caller = r->caller->name,
		.user = r->caller->user,
		.project = r->caller->project,
		.tags = r->tags,
		.now_wall_us = r->received_us,
	};
}

/* Who has the conversation's beginning, where anybody asks for it. */
static uint64_t
warm_target(struct request *r)
{
	const struct group *g = r->group;

	if (g->strategy < STRATEGY_SCORE || g->score.affinity_ms == 0)
		return 0;
	r->affinity =
	    affinity_key(r->root, &r->shape, g->name, r->caller->pseudonym);
	return r->affinity == 0
		   ? 0
		   : affinity_find(r->desk->node->affinity, r->affinity,
			 g->score.affinity_ms * US_PER_MS, clock_mono_us());
}

struct slice
order_pin(const struct request *r)
{
	return r->caller->pins ? http_header(r->exchange, PIN_FIELD)
			       : slice_of("");
}

static struct eligible_wish
eligible_wish_of(const struct request *r)
{
	return (struct eligible_wish){
		.routes = routes_of(r->routes, r->group),
		.shape = &r->shape,
		.root = r->whole,
		.body_bytes = r->whole->raw.len,
		.pinned = order_pin(r),
		.links_up = desk_links_up(r->desk, r->topology),
		.now_us = clock_mono_us(),
		.wall_us = r->received_us,
	};
}

bool
order_find_way(struct request *r, struct candidate *c)
{
	const struct route *chosen = c->route;
	struct eligible_wish wish;

	if (chosen->local != NULL)
		return true;
	wish = eligible_wish_of(r);
	if ((c->gone & (1u << chosen->parent)) == 0 &&
	    route_is_up(chosen, wish.links_up))
		return true;
	if (!eligible_find_way(c, &r->arena, &wish))
		return false;
	r->plan.amended = true;
	return true;
}

static void
consider(struct request *r)
{
	struct eligible_wish wish;

	r->whole = r->root;
	wish = eligible_wish_of(r);
	wish.warm = warm_target(r);
	r->complexity = complexity_of(&r->shape);
	eligible_make(&r->plan, &r->arena, &wish);
}

/* Nobody can be tried, or only who does not count where that is asked. */
static enum order_end
refuse(struct request *r, enum fail *fail)
{
	const char *detail;
	size_t i;

	for (i = 0; i < r->plan.count; i++)
		if (slice_is(slice_of(r->plan.candidates[i].detail),
			ELIGIBLE_COUNTS_NOT))
			return ORDER_ESTIMATE;
	*fail =
	    eligible_refusal(&r->plan, &r->arena, &detail, &r->retry_after_ms);
	r->detail = slice_of(detail);
	stat_add(STAT_NOT_ELIGIBLE, 1);
	return ORDER_REFUSED;
}

static void
on_answer(void *arg)
{
	struct request *r = arg;

	r->policy_said = true;
	if (r->step == STEP_ORDER)
		request_wake(r);
}

/* NULL where the policy names none, or the vault has it not. */
static struct secret *
key_of(const struct request *r, const struct external_policy *policy)
{
	return policy->secret.len > 0
		   ? process_secret(r->desk->node->process, policy->secret)
		   : NULL;
}

static void
ask_service(struct request *r)
{
	const struct order_wish wish = order_wish_of(r);
	struct contract_wish contract = order_contract(r, &wish);
	const struct external_policy *policy = &r->group->external;
	struct external_spec spec = {
		.line = &r->desk->policy_line,
		.policy = policy,
		.secret = key_of(r, policy),
	};
	struct buf body;

	if (policy->include_content)
		contract.content = r->body_text;
	stat_add(STAT_POLICIES, 1);
	r->policy_keyless = policy->secret.len > 0 && spec.secret == NULL;
	if (r->policy_keyless)
		return;
	buf_init(&body, BODY_MORE + contract.content.len);
	contract_write(&body, &contract);
	spec.body = buf_slice(&body);
	if (!body.failed)
		r->external = external_start(&spec, on_answer, r);
	secret_free(spec.secret);
	buf_fini(&body);
}

/* It said something: its order, or why there is none. */
static const char *
take_answer(struct request *r, struct plan *p)
{
	const struct external_answer *a;
	struct buf why;
	bool taken;

	if (r->external == NULL)
		return r->policy_keyless ? "no-key"
					 : external_end_name(EXTERNAL_BUSY);
	a = external_answer(r->external);
	p->policy_us = a->took_us;
	if (a->end != EXTERNAL_OK)
		return external_end_name(a->end);
	buf_init(&why, WHY_MAX);
	taken = script_take(p, a->text, &why);
	if (!taken)
		log_warn("policy service refused",
		    log_slice("group", r->group->name),
		    log_slice("why", buf_slice(&why)));
	buf_fini(&why);
	return taken ? NULL : "not-allowed";
}

static enum order_end
enforce(struct request *r, enum fail *fail)
{
	const struct order_wish wish = order_wish_of(r);
	const struct external_policy *policy = &r->group->external;
	const char *failed = take_answer(r, &r->plan);

	r->plan.decided_us = r->plan.policy_us;
	if (failed == NULL)
		return ORDER_MADE;
	stat_add(STAT_POLICIES_FAILED, 1);
	if (!policy->fail_closed) {
		fall_back(&r->plan, policy->fallback, failed, &wish);
		return ORDER_MADE;
	}
	r->plan.failed = failed;
	*fail = FAIL_POLICY_FAILED;
	r->detail = slice_of(failed);
	return ORDER_REFUSED;
}

static bool
is_enforced(const struct request *r)
{
	return r->group->strategy == STRATEGY_EXTERNAL &&
	       r->group->external.mode == EXTERNAL_ENFORCE;
}

static enum order_end
decide(struct request *r, enum fail *fail)
{
	const struct order_wish wish = order_wish_of(r);
	const struct contract_wish contract = order_contract(r, &wish);

	if (r->group->strategy == STRATEGY_EXTERNAL &&
	    r->group->external.mode != EXTERNAL_BASELINE) {
		ask_service(r);
		r->policy_asked = is_enforced(r);
		if (r->policy_asked)
			return r->external != NULL ? ORDER_WAIT
						   : enforce(r, fail);
	}
	order_decide(&r->plan, r->desk->scripts, &contract);
	return ORDER_MADE;
}

enum order_end
order_sift(struct request *r, enum fail *fail)
{
	size_t open[TARGETS_MAX];

	consider(r);
	return plan_open(&r->plan, open) == 0 ? refuse(r, fail) : ORDER_MADE;
}

enum order_end
order_make(struct request *r, enum fail *fail)
{
	if (!r->policy_asked)
		return decide(r, fail);
	return r->policy_said ? enforce(r, fail) : ORDER_WAIT;
}

/* The plan as it was before anything was put in order. */
static struct plan
undone(struct request *r)
{
	struct plan p = r->plan;
	size_t i;

	p.candidates = arena_many(&r->arena, struct candidate, p.count);
	p.order_count = 0;
	for (i = 0; i < p.count; i++) {
		p.candidates[i] = r->plan.candidates[i];
		if (p.candidates[i].rank > 0)
			p.candidates[i].excluded = EXCLUSION_NONE;
		p.candidates[i].rank = 0;
	}
	return p;
}

void
order_hear(struct request *r)
{
	const char *text = "";
	struct plan said;
	size_t i;

	if (r->group->strategy != STRATEGY_EXTERNAL ||
	    r->group->external.mode != EXTERNAL_SHADOW ||
	    r->plan.order_count == 0)
		return;
	r->plan.amended = true;
	if (r->external != NULL && !r->policy_said) {
		r->plan.failed = "unanswered";
		return;
	}
	said = undone(r);
	r->plan.failed = take_answer(r, &said);
	r->plan.policy_us = said.policy_us;
	memcpy(r->plan.note, said.note, sizeof(said.note));
	if (r->plan.failed != NULL)
		return;
	r->plan.failed = "";
	for (i = 0; i < said.order_count; i++)
		text = arena_printf(&r->arena, "%s%s%.*s", text,
		    i > 0 ? "," : "",
		    SLICE_FMT(said.candidates[said.order[i]].listed->model));
	r->plan.policy_order = text;
}

void
order_fini(struct request *r)
{
	external_free(r->external);
	r->external = NULL;
}
