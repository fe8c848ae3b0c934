#include "node/strategy/contract.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/llm/capability.h"
#include "common/llm/shape.h"
#include "node/route.h"
#include "node/strategy/plan.h"

#define MILLION    1000000
#define DECIMALS   6
#define TENTHS_MAX 1e12 /* fits, with its millionths */
#define UNKNOWN    (-1)

/* What is told of a target that stands in no window. */
struct facts {
	struct slice target, provider, model, region;
	bool local;
	int64_t context, max_output;
	unsigned supports;
	struct price price;
};

static void
facts_of(struct facts *f, const struct candidate *c)
{
	const struct route *r = c->route;
	const char *slash = memchr(r->target.ptr, '/', r->target.len);
	size_t provider =
	    slash != NULL ? (size_t)(slash - r->target.ptr) : r->target.len;

	*f = (struct facts){
		.target = r->target,
		.provider = slice_make(r->target.ptr, provider),
		.model = slice_after(r->target, provider + 1),
		.region = r->region,
		.local = r->local != NULL,
		.context = r->context_tokens,
		.max_output = r->max_output,
		.supports = r->supports,
		.price = r->price,
	};
}

/*
 * Inline, so that the length of what stands in the code is no work: this is
 * written for each request, some two hundred pieces of it.
 */
static inline void
put(struct buf *out, const char *text)
{
	buf_put(out, text, strlen(text));
}

static inline void
put_bool(struct buf *out, const char *key, bool truth)
{
	put(out, key);
	if (truth)
		put(out, "true");
	else
		put(out, "false");
}

static inline void
put_int(struct buf *out, const char *key, int64_t n)
{
	put(out, key);
	buf_put_int(out, n);
}

static void
put_text(struct buf *out, const char *key, struct slice text)
{
	put(out, key);
	buf_putc(out, '"');
	json_escape(out, text);
	buf_putc(out, '"');
}

/* Millionths as a decimal fraction; below 0: not known. */
static void
put_millionths(struct buf *out, const char *key, int64_t n)
{
	char digits[DECIMALS];
	size_t len = DECIMALS, i;
	int64_t rest = n % MILLION;

	put(out, key);
	if (n < 0) {
		put(out, "null");
		return;
	}
	buf_put_int(out, n / MILLION);
	if (rest == 0)
		return;
	for (i = DECIMALS; i-- > 0; rest /= 10)
		digits[i] = (char)('0' + rest % 10);
	while (digits[len - 1] == '0')
		len--;
	buf_putc(out, '.');
	buf_put(out, digits, len);
}

static void
put_ms_seen(struct buf *out, const char *key, int64_t us)
{
	put(out, key);
	if (us > 0)
		buf_put_int(out, (us + US_PER_MS / 2) / US_PER_MS);
	else
		put(out, "null");
}

/* To a tenth: more of it would be noise. */
static void
put_rate_seen(struct buf *out, const char *key, double rate)
{
	double tenths = rate * 10 + 0.5;
	bool seen = tenths >= 1 && tenths <= TENTHS_MAX;

	put_millionths(out, key,
	    seen ? (int64_t)tenths * (MILLION / 10) : UNKNOWN);
}

static void
put_share(struct buf *out, const char *key, double share)
{
	share = share > 0 ? share < 1 ? share : 1 : 0;
	put_millionths(out, key, (int64_t)(share * MILLION + 0.5));
}

/* What is no "k=v" is passed over. */
static void
put_tags(struct buf *out, struct slice tags)
{
	struct slice tag;
	const char *end;
	bool first = true;

	put(out, ",\"tags\":{");
	while (tags.len > 0) {
		tag = slice_cut(&tags, ',');
		end = tag.len > 0 ? memchr(tag.ptr, '=', tag.len) : NULL;
		if (end == NULL)
			continue;
		put_text(out, first ? "" : ",",
		    slice_make(tag.ptr, (size_t)(end - tag.ptr)));
		put_text(out, ":",
		    slice_after(tag, (size_t)(end - tag.ptr) + 1));
		first = false;
	}
	buf_putc(out, '}');
}

static void
put_needs(struct buf *out, const struct shape *s)
{
	put_bool(out, ",\"stream\":", s->stream);
	put_bool(out, ",\"tools\":", s->tools);
	put_bool(out, ",\"forced_tool\":", s->forced_tool);
	put_bool(out,
	    ",\"parallel_tools\":", s->tools && !s->one_call_at_a_time);
	put_bool(out, ",\"images\":", s->images);
	put_bool(out, ",\"documents\":", s->documents);
	put_bool(out, ",\"audio\":", s->audio);
	put_bool(out, ",\"structured\":", s->structured);
	put_bool(out, ",\"reasoning\":", s->reasoning);
	put_int(out, ",\"choices\":", s->choices);
	put_int(out, ",\"messages\":", s->messages);
	put_int(out, ",\"input_tokens\":", s->input_estimate_tokens);
	put_int(out, ",\"output_cap\":", s->output_cap);
}

static void
put_request(struct buf *out, const struct contract_wish *w)
{
	const struct shape *s = w->wish->shape;

	put_text(out, ",\"request\":{\"id\":", slice_of(w->request_id));
	put_text(out, ",\"group\":", w->wish->group->name);
	put_text(out, ",\"dialect\":", slice_of(dialect_name(s->dialect)));
	put_text(out,
	    ",\"operation\":", slice_of(operation_name(s->operation)));
	put_text(out, ",\"caller\":", w->caller);
	put_text(out, ",\"user\":", w->user);
	put_text(out, ",\"project\":", w->project);
	put_tags(out, w->tags);
	put_needs(out, s);
	put_share(out, ",\"complexity\":", w->wish->complexity);
	buf_putc(out, '}');
}

static void
put_supports(struct buf *out, unsigned supports)
{
	const char *name;
	bool first = true;
	size_t i;

	put(out, ",\"supports\":[");
	for (i = 0; (name = capability_name(i)) != NULL; i++) {
		if ((supports & 1u << i) == 0)
			continue;
		put_text(out, first ? "" : ",", slice_of(name));
		first = false;
	}
	buf_putc(out, ']');
}

static void
put_seen(struct buf *out, const struct sight *s)
{
	int64_t share =
	    s->attempts > 0
		? (s->failures * MILLION + s->attempts / 2) / s->attempts
		: 0;

	put_int(out, ",\"attempts\":", s->attempts);
	put_millionths(out, ",\"error_rate\":", share);
	put_ms_seen(out, ",\"ttft_p50_ms\":", s->ttft_p50_us);
	put_ms_seen(out, ",\"ttft_p95_ms\":", s->ttft_p95_us);
	put_ms_seen(out, ",\"total_p50_ms\":", s->total_p50_us);
	put_ms_seen(out, ",\"total_p95_ms\":", s->total_p95_us);
	put_rate_seen(out, ",\"tokens_per_second\":", s->tokens_per_s);
}

static void
put_target(struct buf *out, const struct candidate *c)
{
	struct facts f;
	int64_t cached;

	facts_of(&f, c);
	cached = f.price.cached_input != PRICE_UNKNOWN ? f.price.cached_input
						       : f.price.input;
	put_text(out, "{\"target\":", f.target);
	put_text(out, ",\"provider\":", f.provider);
	put_text(out, ",\"model\":", f.model);
	put_text(out, ",\"region\":", f.region);
	put_bool(out, ",\"local\":", f.local);
	put_int(out, ",\"weight\":", c->listed->weight);
	put_int(out, ",\"context\":", f.context);
	put_int(out, ",\"max_output\":", f.max_output);
	put_supports(out, f.supports);
	put_millionths(out, ",\"price_input\":", f.price.input);
	put_millionths(out, ",\"price_cached_input\":", cached);
	put_millionths(out, ",\"price_output\":", f.price.output);
	put_millionths(out, ",\"estimated_cost_usd\":", c->cost_microusd);
	put_millionths(out, ",\"quality\":", c->listed->quality_ppm);
	put_seen(out, &c->seen);
	put_bool(out, ",\"warm\":", c->warm);
	buf_putc(out, '}');
}

void
contract_write(struct buf *out, const struct contract_wish *w)
{
	size_t open[TARGETS_MAX], count = plan_open(w->plan, open), i;

	put_int(out, "{\"version\":", CONTRACT_VERSION);
	put_request(out, w);
	put(out, ",\"targets\":[");
	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_putc(out, ',');
		put_target(out, &w->plan->candidates[open[i]]);
	}
	put_int(out, "],\"now_ms\":", w->now_wall_us / US_PER_MS);
	put_int(out, ",\"seed\":", (int64_t)(uint32_t)w->wish->seed);
	if (w->content.len > 0) {
		put(out, ",\"body\":");
		buf_put_slice(out, w->content);
	}
	buf_putc(out, '}');
}
