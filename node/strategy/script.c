#include "node/strategy/script.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "node/policy/choice.h"
#include "node/policy/sandbox.h"
#include "node/strategy/contract.h"
#include "node/strategy/plan.h"
#include "topology/load.h"

#define WHY_MAX      1024
#define KILLS_MAX    3
#define KILLS_US     (60 * US_PER_SECOND)
#define PUT_ASIDE_US (60 * US_PER_SECOND)
/* All policies together: one part in so many of the worker's time, and so
 * much at once; each has its share of both. */
#define SHARE_OF      4
#define SHARE_MOST_US (40 * US_PER_MS)

struct script {
	struct list link;
	struct hash hash;
	int64_t cpu_ms, memory_bytes; /* the limits it was loaded with */
	struct sandbox *sandbox;      /* NULL: it does not load */
	int64_t kills_us[KILLS_MAX];  /* monotonic, the oldest is replaced */
	size_t kills;
	int64_t aside_until_us;
	int64_t share_us, share_at_us; /* what it may still take, as of then */
	bool wanted;                   /* by the present topology */
};

struct scripts {
	struct list list;
	int64_t count; /* in the list */
	struct buf input, answer;
};

struct scripts *
scripts_new(void)
{
	struct scripts *s = xcalloc(1, sizeof(*s));

	list_init(&s->list);
	buf_init(&s->input, SANDBOX_INPUT_MAX);
	buf_init(&s->answer, SANDBOX_ANSWER_MAX);
	return s;
}

static void
forget(struct scripts *s, struct script *script)
{
	list_remove(&script->link);
	s->count--;
	sandbox_free(script->sandbox);
	free(script);
}

void
scripts_free(struct scripts *s)
{
	if (s == NULL)
		return;
	list_each(link, &s->list)
		forget(s, container_of(link, struct script, link));
	buf_fini(&s->input);
	buf_fini(&s->answer);
	free(s);
}

static struct sandbox *
load(const struct script_policy *policy, struct buf *why)
{
	const struct sandbox_spec spec = {
		.source = policy->code,
		.name = policy->file.ptr,
		.memory_bytes = (size_t)policy->memory_bytes,
		.cpu_us = policy->cpu_ms * US_PER_MS,
		.wall_us = 10 * policy->cpu_ms * US_PER_MS,
	};

	return sandbox_new(&spec, why);
}

static bool
is_of(const struct script *script, const struct script_policy *policy)
{
	return memcmp(&script->hash, &policy->hash, sizeof(policy->hash)) ==
		   0 &&
	       script->cpu_ms == policy->cpu_ms &&
	       script->memory_bytes == policy->memory_bytes;
}

static struct script *
find(const struct scripts *s, const struct script_policy *policy)
{
	list_each(link, &s->list) {
		struct script *script = container_of(link, struct script, link);

		if (is_of(script, policy))
			return script;
	}
	return NULL;
}

static struct script *
get(struct scripts *s, const struct script_policy *policy)
{
	struct script *script = find(s, policy);
	struct buf why;

	if (script != NULL)
		return script;
	script = xcalloc(1, sizeof(*script));
	script->hash = policy->hash;
	script->cpu_ms = policy->cpu_ms;
	script->memory_bytes = policy->memory_bytes;
	buf_init(&why, WHY_MAX);
	script->sandbox = load(policy, &why);
	if (script->sandbox == NULL)
		log_error("policy does not load",
		    log_slice("file", policy->file),
		    log_slice("why", buf_slice(&why)));
	buf_fini(&why);
	list_push(&s->list, &script->link);
	s->count++;
	return script;
}

void
scripts_adopt(struct scripts *s, const struct topology *t)
{
	const struct node_file *file = t->node;
	size_t i;

	for (i = 0; i < file->groups_count; i++)
		if (file->groups[i].strategy == STRATEGY_SCRIPT)
			get(s, &file->groups[i].script)->wanted = true;
	list_each(link, &s->list) {
		struct script *script = container_of(link, struct script, link);

		if (!script->wanted)
			forget(s, script);
		else
			script->wanted = false;
	}
}

bool
scripts_fit(const struct topology *t, struct buf *why)
{
	const struct node_file *file = t->node;
	bool fit = true;
	size_t i;

	for (i = 0; i < file->groups_count; i++) {
		const struct group *g = &file->groups[i];
		struct sandbox *sandbox;
		struct buf reason;

		if (g->strategy != STRATEGY_SCRIPT)
			continue;
		buf_init(&reason, WHY_MAX);
		sandbox = load(&g->script, &reason);
		if (sandbox == NULL)
			buf_printf(why,
			    "group %s: its policy %s does not "
			    "load: %s\n",
			    g->name.ptr, g->script.file.ptr, buf_text(&reason));
		fit &= sandbox != NULL;
		sandbox_free(sandbox);
		buf_fini(&reason);
	}
	return fit;
}

static void
note_kill(struct script *script, const struct contract_wish *wish, int64_t now)
{
	int64_t oldest;

	script->kills_us[script->kills++ % KILLS_MAX] = now;
	oldest = script->kills_us[script->kills % KILLS_MAX];
	if (script->kills < KILLS_MAX || now - oldest > KILLS_US)
		return;
	script->aside_until_us = now + PUT_ASIDE_US;
	script->kills = 0;
	log_warn("policy put aside: it was killed three times in a minute",
	    log_slice("group", wish->wish->group->name),
	    log_slice("file", wish->wish->group->script.file));
}

bool
script_take(struct plan *p, struct slice answer, struct buf *why)
{
	struct slice names[TARGETS_MAX];
	size_t open[TARGETS_MAX], count = plan_open(p, open), i;
	struct choice choice;

	for (i = 0; i < count; i++)
		names[i] = p->candidates[open[i]].listed->model;
	if (!choice_parse(&choice, answer,
		&(struct choice_names){ names, count }, why))
		return false;
	for (i = 0; i < choice.count; i++)
		plan_add(p, open[choice.order[i]]);
	for (i = 0; i < count; i++)
		if (p->candidates[open[i]].rank == 0)
			p->candidates[open[i]].excluded = EXCLUSION_NOT_CHOSEN;
	memcpy(p->note, choice.note, sizeof(choice.note));
	return true;
}

/* Its share of the worker's time, as of now. */
static int64_t
share(const struct scripts *s, struct script *script, int64_t now)
{
	int64_t earned = (now - script->share_at_us) / (SHARE_OF * s->count);

	script->share_us =
	    min_i64(script->share_us + earned, SHARE_MOST_US / s->count);
	script->share_at_us = now;
	return script->share_us;
}

static const char *
call(struct script *script, struct scripts *s, struct plan *p,
    const struct contract_wish *wish)
{
	const struct sandbox_ask ask = {
		.input = buf_slice(&s->input),
		.now_ms = wish->now_wall_us / US_PER_MS,
		.seed = (uint32_t)wish->wish->seed,
	};
	enum sandbox_end end = sandbox_call(script->sandbox, &ask, &s->answer);
	struct buf why;
	bool taken;

	if (end == SANDBOX_TIMEOUT || end == SANDBOX_MEMORY)
		note_kill(script, wish, clock_mono_us());
	if (end != SANDBOX_OK)
		return sandbox_end_name(end);
	buf_init(&why, WHY_MAX);
	taken = script_take(p, buf_slice(&s->answer), &why);
	buf_fini(&why);
	return taken ? NULL : "not-allowed";
}

const char *
script_order(struct scripts *s, struct plan *p,
    const struct contract_wish *wish)
{
	struct script *script = get(s, &wish->wish->group->script);
	int64_t begun = clock_mono_us(), cpu;
	const char *failed;

	if (script->sandbox == NULL)
		return "not-loaded";
	if (begun < script->aside_until_us)
		return SCRIPT_PUT_ASIDE;
	if (share(s, script, begun) < 0)
		return SCRIPT_BUSY;
	/* Who is kept from running takes nothing. */
	cpu = clock_thread_us();
	buf_reset(&s->input);
	contract_write(&s->input, wish);
	failed = s->input.failed ? "memory" : call(script, s, p, wish);
	script->share_us -= clock_thread_us() - cpu;
	return failed;
}
