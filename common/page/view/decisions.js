// decisions: how this node chooses: its groups, what orders each, which policy
// is in force, what each target has to prove, and what was chosen lately.
import { badge, facts, section } from "../part/card.js";
import { h, put } from "../part/element.js";
import { exportRows } from "../part/export.js";
import { filters } from "../part/filter.js";
import { head } from "../part/head.js";
import { empty, fill } from "../part/notice.js";
import { bytes, count, duration, share, when } from "../part/number.js";
import { hoursAgo } from "../part/period.js";
import { report } from "../part/report.js";
import { word } from "../part/standing.js";
import { table } from "../part/table.js";
import { rehearse } from "../part/rehearsal.js";
import { write } from "../route.js";
import { ask, may, who } from "../server.js";

const STRATEGIES = {
	static: "the first target; the others only when it fails",
	failover: "in the order of the file, each when the one before failed",
	weighted: "drawn by weight, for each request",
	score: "by the weighted sum of cost, times, failures and quality",
	script: "by a policy that runs in a sandbox of this node",
	external: "by a policy service",
};
const MODES = {
	baseline: "not asked; the fallback decides",
	shadow: "asked and recorded; the fallback decides",
	enforce: "it decides",
};

const code = (text) => text && h("code", {}, text);
const words = (list) => list?.join(", ");
const ms = (value) => value > 0 && duration(value * 1000);
const part = (ppm) => ppm >= 0 && share(ppm, 1e6);
const price = (value) => value >= 0 && `$${value / 1e6} a million tokens`;

function policy({ strategy, policy: told }) {
	if (strategy === "script")
		return [
			["File", code(told.file)],
			["Hash in force", code(told.hash), "long"],
			["When it fails", told.fallback],
			["Time it may take", ms(told.cpu_ms)],
			["Memory", bytes(told.memory_bytes)],
		];
	if (strategy === "external")
		return [
			["Service", code(told.url), "long"],
			["Mode", `${told.mode}: ${MODES[told.mode]}`],
			["Fallback", told.fallback],
			["On error", told.fail_closed ? "refuse the request" : "fall back"],
			["It is sent", told.include_content ? "the body, too" : "no content"],
			["Time it may take", ms(told.timeout_ms)],
		];
	if (strategy === "score")
		return [
			[
				"Weights",
				Object.entries(told.weights_ppm)
					.filter(([, ppm]) => ppm > 0)
					.map(([name, ppm]) => `${name} ${ppm / 1e6}`)
					.join(", "),
				"long",
			],
			["Tries a cold target", told.explore_ppm && share(told.explore_ppm, 1e6)],
			["Cold below", told.min_attempts && `${count(told.min_attempts)} attempts`],
		];
	return [];
}

const demands = ({ contract, requires, evidence_ms, dialects }) => [
	["For", contract.workload],
	["Callers speak", dialects.length < 3 && words(dialects)],
	["Requires", words(requires)],
	["Proof no older than", ms(evidence_ms)],
	["Context", contract.min_context_tokens && `at least ${count(contract.min_context_tokens)}`],
	["Quality", part(contract.min_quality_ppm) && `at least ${part(contract.min_quality_ppm)}`],
	["Failures", part(contract.max_error_ppm) && `at most ${part(contract.max_error_ppm)}`],
	["First byte, p95", ms(contract.max_ttft_ms) && `at most ${ms(contract.max_ttft_ms)}`],
	["Whole, p95", ms(contract.max_latency_ms) && `at most ${ms(contract.max_latency_ms)}`],
	["Regions", words(contract.regions)],
	["Input price", price(contract.max_price_input) && `at most ${price(contract.max_price_input)}`],
	[
		"Output price",
		price(contract.max_price_output) && `at most ${price(contract.max_price_output)}`,
	],
];

// "3 of 4 hold": the trials of `gsr-node test`, as far as they are fresh.
function proof(group, target, evidence) {
	const rows = evidence.filter((row) => row.group === group.name && row.target === target);
	if (rows.length === 0)
		return group.evidence_ms ? badge("never tried", "warn") : h("small", {}, "never tried");
	const held = rows.filter((row) => row.passed).length;
	const last = rows.reduce((at, row) => (row.tested_at > at ? row.tested_at : at), "");
	const old = group.evidence_ms && Date.now() - Date.parse(last) > group.evidence_ms;
	return [
		badge(`${held} of ${rows.length} hold`, held < rows.length || old ? "warn" : "good"),
		h("small", {}, ` ${when(last)}`),
	];
}

function targets(group, { evidence, standing, chosen }) {
	const weighted = group.strategy === "weighted";
	const all = chosen.filter((row) => row.group === group.name);
	const whole = all.reduce((sum, row) => sum + row.requests, 0);
	const of = (target) => all.find((row) => row.target === target)?.requests ?? 0;
	return table({
		caption: `Targets of ${group.name}`,
		rows: group.targets.map((target, i) => ({ ...target, place: i + 1, chosen: of(target.target) })),
		columns: [
			{ key: "target", label: "Target" },
			{ key: "place", label: "Place", number: true },
			...(weighted ? [{ key: "weight", label: "Weight", number: true }] : []),
			{
				key: "state",
				label: "State",
				sort: (row) => standing.get(row.target)?.state,
				cell: (row) =>
					row.offered ? word(standing.get(row.target)?.state ?? "ok") : word("not offered"),
			},
			{ key: "egress", label: "Through", cell: (row) => row.egress || "this node" },
			{
				key: "supports",
				label: "Can",
				wide: true,
				fixed: true,
				cell: (row) => [
					words(row.supports)?.replaceAll("_", " "),
					row.stated === false && h("small", {}, " (not stated)"),
				],
			},
			...(group.targets.some((target) => target.quality_ppm >= 0)
				? [
						{
							key: "quality_ppm",
							label: "Quality",
							number: true,
							cell: (row) => part(row.quality_ppm) || "–",
						},
					]
				: []),
			{
				key: "evidence",
				label: "Trials",
				fixed: true,
				cell: (row) => proof(group, row.target, evidence),
			},
			...(may("report")
				? [
						{
							key: "chosen",
							label: "Chosen, 24 h",
							number: true,
							cell: (row) =>
								whole ? `${count(row.chosen)} (${share(row.chosen, whole, 0)})` : "–",
						},
					]
				: []),
		],
	});
}

function one(group, known) {
	const about = [
		group.strategy,
		STRATEGIES[group.strategy],
		group.aliases.length > 0 && `also called ${words(group.aliases)}`,
	];
	const told = facts([...policy(group), ...demands(group)]);
	return h(
		"section",
		{ class: "panel" },
		h(
			"header",
			{ class: "split" },
			h(
				"div",
				{},
				h("h2", {}, group.name),
				h("p", {}, badge(about[0], "accent"), " ", about.slice(1).filter(Boolean).join("; ")),
			),
			h(
				"div",
				{ class: "actions" },
				may("requests") &&
					h("a", { href: write("requests", [], { group: group.name }) }, "Requests"),
				may("explain", "POST") &&
					h(
						"button",
						{
							type: "button",
							"aria-label": `Try ${group.name}`,
							"on:click": () => rehearse(group.name),
						},
						"Try",
					),
			),
		),
		told.childElementCount > 0 && told,
		targets(group, known),
	);
}

function trials(rows) {
	return section(
		"Trials",
		"what `gsr-node test` tried of each target; signed by this node",
		table({
			caption: "Trials",
			rows,
			none: "No trial is kept.",
			hint: "gsr-node test GROUP tries what its targets are said to be able to do.",
			columns: [
				{ key: "group", label: "Group" },
				{ key: "target", label: "Target", cell: (row) => row.target || "(the group)" },
				{ key: "capability", label: "Trial" },
				{ key: "way", label: "Way" },
				{
					key: "passed",
					label: "Result",
					sort: (row) => Number(row.passed),
					cell: (row) => badge(row.passed ? "holds" : "does not", row.passed ? "good" : "bad"),
				},
				{ key: "detail", label: "Detail", wide: true },
				{ key: "tested_at", label: "When (UTC)", cell: (row) => when(row.tested_at) },
				{
					key: "topology",
					label: "Topology",
					cell: (row) => code(row.topology.slice(0, 8)),
				},
				{
					key: "request",
					label: "Request",
					cell: (row) =>
						row.request &&
						(may("explain/")
							? h("a", { href: write("request", [row.request]) }, "its request")
							: code(row.request)),
				},
			],
		}),
	);
}

async function bring(route, exports) {
	const [told, evidence, rows, lately] = await Promise.all([
		ask("groups"),
		may("evidence") ? ask("evidence") : [],
		may("targets") ? ask("targets") : [],
		may("report") ? report({ from: hoursAgo(24), by: "group,target" }) : { rows: [] },
	]);
	const only = route.query.get("group");
	const shown = told.groups.filter((group) => !only || group.name === only);
	put(exports, exportRows(`${who().member}-groups`, shown));
	if (shown.length === 0)
		return h("section", { class: "panel" }, empty("No group fits.", "Clear the filter."));
	const known = {
		evidence,
		standing: new Map(rows.map((row) => [row.target, row])),
		chosen: lately.rows,
	};
	return h(
		"div",
		{ class: "stack" },
		...shown.map((group) => one(group, known)),
		trials(evidence.filter((row) => !only || row.group === only)),
	);
}

export function show(place, route) {
	const body = h("div"),
		bar = h("div"),
		exports = h("div");
	const field = (groups) => [
		{ key: "group", label: "Group", options: groups && [["", "All"], ...groups], hint: "all" },
	];

	put(
		place,
		head(
			"Decisions",
			"What orders the targets of each group, and what they have proved",
			exports,
		),
		put(bar, filters(route, field())),
		body,
	);
	fill(
		body,
		async () => {
			const made = await bring(route, exports);
			const { groups } = await ask("groups");
			if (!bar.contains(document.activeElement))
				put(bar, filters(route, field(groups.map(({ name }) => name))));
			return made;
		},
		8,
	);
}
