// The cheapest target that is good enough for the request, then dearer ones.
//
// Good enough grows with how demanding the request looks. A target that keeps
// failing or is slow to begin comes last; one that has the conversation in its
// prompt cache is worth a tenth more. Among equals the request's seed decides,
// so that load is spread.
import type { Decision, Input, Request, Target } from "gsr-policy";

const FAILING = 0.2; // share of calls that failed
const SLOW_MS = 5000; // to the first token, at the 95th percentile
const SEEN_ENOUGH = 20; // calls, before figures are believed

function wantedQuality(request: Request): number {
	return 0.5 + 0.4 * request.complexity;
}

function isTroubled(target: Target): boolean {
	return (
		target.attempts >= SEEN_ENOUGH &&
		(target.error_rate > FAILING || (target.ttft_p95_ms ?? 0) > SLOW_MS)
	);
}

function cost(target: Target): number {
	return target.estimated_cost_usd * (target.warm ? 0.9 : 1);
}

// Lower is better; the most telling figure first.
function rank(target: Target, request: Request): number[] {
	const good = (target.quality ?? 0.5) >= wantedQuality(request);

	return [isTroubled(target) ? 1 : 0, good ? 0 : 1, cost(target)];
}

export default function route(input: Input): Decision {
	const ranked = input.targets.map((target) => ({
		name: target.target,
		rank: [...rank(target, input.request), Math.random()],
	}));

	ranked.sort((a, b) => {
		const at = a.rank.findIndex((r, i) => r !== b.rank[i]);
		return at < 0 ? 0 : a.rank[at] - b.rank[at];
	});
	return { order: ranked.map((r) => r.name), note: "cheapest fit" };
}
