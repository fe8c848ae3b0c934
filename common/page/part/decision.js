// decision: why a request's targets were tried in that order, and why others
// were not.
import { badge, facts } from "./card.js";
import { h } from "./element.js";
import { measured, share, usd } from "./number.js";
import { table } from "./table.js";
import { EXCLUSIONS } from "../words.js";

const TERMS = {
	cost_ppm: "Cost term",
	ttft_ppm: "First byte term",
	latency_ppm: "Whole term",
	throughput_ppm: "Tokens/s term",
	errors_ppm: "Failures term",
	quality_term_ppm: "Quality term",
	complexity_term_ppm: "Demands term",
	affinity_ppm: "Cache term",
};
const DECIDERS = {
	strategy: "as the group is set up",
	exploration: "a target that is seldom seen was put first",
	fallback: "because the policy did not decide",
	baseline: "the policy service was heard only",
};

const code = (text) => text && h("code", {}, text);
const list = (text) => text?.replaceAll(",", ", ");
const part = (ppm) => share(ppm, 1e6, 0);

// "failover, instead of script: because the policy did not decide"
export function decider({ decider: by, by: strategy, strategy: wanted }) {
	if (!by) return "Nothing could be put in order: no target can serve this request.";
	const instead = strategy === wanted ? "" : `, instead of ${wanted}`;
	return `Ordered by ${strategy}${instead}: ${DECIDERS[by] ?? by}.`;
}

export function decided(told) {
	return facts([
		["Policy", code(told.policy)],
		["Policy failed", told.failed && badge(told.failed, "warn")],
		["Its own word", told.note],
		["It would have chosen", list(told.policy_order), "long"],
		["Needs", list(told.needs)],
		["Tags", list(told.tags)],
		["How demanding", told.complexity_ppm && part(told.complexity_ppm)],
		["Decided in", measured(told.decided_us)],
		["Of that, the policy", measured(told.policy_us)],
		["Seed", told.seed && code(String(told.seed))],
	]);
}

function why({ excluded, detail }) {
	if (!excluded) return "";
	return [
		badge(excluded.replaceAll("-", " "), "warn"),
		` ${EXCLUSIONS[excluded] ?? ""}`,
		detail && h("b", {}, `: ${detail}`),
	];
}

const scores = (rows) =>
	rows.some((row) => row.score_ppm > 0)
		? [
				{
					key: "score_ppm",
					label: "Score",
					number: true,
					cell: (row) => (row.rank ? part(row.score_ppm) : "–"),
				},
				...Object.entries(TERMS)
					.filter(([key]) => rows.some((row) => row[key] > 0))
					.map(([key, label]) => ({
						key,
						label,
						number: true,
						cell: (row) => (row.rank ? part(row[key]) : "–"),
					})),
			]
		: [];

export function candidates(told) {
	const rows = [...(told.candidates ?? [])].sort((a, b) => (a.rank || 99) - (b.rank || 99));
	return table({
		caption: "Candidates",
		rows,
		none: "No target was looked at.",
		columns: [
			{ key: "target", label: "Target" },
			{
				key: "rank",
				label: "Tried",
				number: true,
				cell: (row) => row.rank || "–",
				sort: (row) => row.rank || 99,
			},
			...(rows.some((row) => row.excluded)
				? [{ key: "excluded", label: "Not tried because", wide: true, cell: why }]
				: []),
			...scores(rows),
			{
				key: "cost_microusd",
				label: "Estimated cost",
				number: true,
				cell: (row) => (row.excluded ? "–" : usd(row.cost_microusd)),
			},
			{
				key: "ttft_p50_us",
				label: "First byte, p50",
				number: true,
				cell: (row) => measured(row.ttft_p50_us),
			},
			{
				key: "total_p95_us",
				label: "Whole, p95",
				number: true,
				cell: (row) => measured(row.total_p95_us),
			},
			{
				key: "failures",
				label: "Failed",
				number: true,
				cell: (row) => `${row.failures} of ${row.attempts}`,
			},
		],
	});
}
