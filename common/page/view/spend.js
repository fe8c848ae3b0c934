// spend: what was paid, for whom and to whom, and what another target would have
// cost at the prices of the time.
import { card, cards, section } from "../part/card.js";
import { chart } from "../part/chart.js";
import { h, put } from "../part/element.js";
import { exported } from "../part/export.js";
import { filters } from "../part/filter.js";
import { head } from "../part/head.js";
import { empty, fill } from "../part/notice.js";
import { count, share, tokens, usd, usdAxis } from "../part/number.js";
import { period, periodOf } from "../part/period.js";
import { choices, DIMENSIONS, where, WHERE } from "../part/dimension.js";
import { counted, overTime, report } from "../part/report.js";
import { table } from "../part/table.js";
import { address, who } from "../server.js";

const FIELDS = [
	{ key: "requests", label: "Number", number: true, cell: (row) => count(row.requests) },
	{ key: "input_tokens", label: "Input", number: true, cell: (row) => tokens(row.input_tokens) },
	{
		key: "cache_read_tokens",
		label: "Cache read",
		number: true,
		cell: (row) => tokens(row.cache_read_tokens),
	},
	{
		key: "output_tokens",
		label: "Output",
		number: true,
		cell: (row) => tokens(row.output_tokens + row.reasoning_tokens),
		sort: (row) => row.output_tokens + row.reasoning_tokens,
	},
	{ key: "cost_microusd", label: "Cost", number: true, cell: (row) => usd(row.cost_microusd) },
];
const SAVED = [
	{
		key: "baseline_microusd",
		label: "Baseline",
		number: true,
		cell: (row) => usd(row.baseline_microusd),
	},
	{
		key: "savings_microusd",
		label: "Saved",
		number: true,
		cell: (row) => usd(row.savings_microusd),
	},
];

function figures(total, baseline) {
	return cards(
		card("Spent", usd(total.cost_microusd), { note: "by the price books of the time" }),
		baseline &&
			card("Saved", usd(total.savings_microusd), {
				tone: total.savings_microusd < 0 ? "bad" : "good",
				note: `${share(total.savings_microusd, total.baseline_microusd)} of ${usd(total.baseline_microusd)} with ${baseline}; ${count(total.savings_requests)} compared`,
			}),
		card(counted(), count(total.requests), {
			note: `${usd(total.requests ? total.cost_microusd / total.requests : 0)} each`,
		}),
		card("Input", tokens(total.input_tokens + total.cache_read_tokens), {
			note: `${share(total.cache_read_tokens, total.input_tokens + total.cache_read_tokens)} from a cache`,
		}),
		card("Output", tokens(total.output_tokens + total.reasoning_tokens), {
			note: total.reasoning_tokens ? `${tokens(total.reasoning_tokens)} of it reasoning` : "",
		}),
	);
}

export function show(place, route) {
	const span = periodOf(route, "30d");
	const by = route.query.get("by") ?? "group";
	const baseline = route.query.get("baseline") ?? "";
	const query = { from: span.from, to: span.to, where: where(route), baseline };
	const file = (format) => address("report", { ...query, by: `${span.by},${by}`, format });
	const body = h("div"),
		bar = h("div");
	const named = DIMENSIONS.find(([key]) => key === by)?.[1] ?? by;

	async function bring() {
		const [sums, times] = await Promise.all([
			report({ ...query, by }),
			report({ ...query, by: `${span.by},${by}` }),
		]);
		if (sums.rows.length === 0)
			return h(
				"section",
				{ class: "panel" },
				empty(
					"Nothing was spent in this time.",
					"Choose another period, or fewer filters.",
				),
			);
		return h(
			"div",
			{ class: "stack" },
			figures(sums.total, baseline),
			section(
				`Spend by ${named.toLowerCase()}`,
				chart({
					title: `USD ${span.by === "hour" ? "an" : "a"} ${span.by}`,
					kind: "stack",
					hour: span.by === "hour",
					format: usd,
					axis: usdAxis,
					...overTime(times, span.by, by, "cost_microusd"),
				}),
			),
			section(
				named,
				table({
					caption: `Spend by ${named}`,
					sorted: "cost_microusd",
					rows: sums.rows,
					total: { ...sums.total, [by]: "All" },
					columns: [
						{ key: by, label: named, cell: (row) => row[by] || "(none)" },
						...FIELDS,
						...(baseline ? SAVED : []),
						{
							key: "share",
							label: "Of all",
							number: true,
							sort: (row) => row.cost_microusd,
							cell: (row) => share(row.cost_microusd, sums.total.cost_microusd),
						},
					],
				}),
			),
		);
	}

	put(
		place,
		head(
			"Spend and savings",
			"Costs by the price books of the time; UTC",
			exported([
				["CSV", file("csv"), `${who().member}-spend.csv`],
				["JSON", file("json"), `${who().member}-spend.json`],
				["Markdown", file("markdown"), `${who().member}-spend.md`],
			]),
		),
		period(route, "30d"),
		bar,
		body,
	);
	const fields = (targets) => [
		{
			key: "by",
			label: "By",
			options: DIMENSIONS.map(([key, text]) => [key === "group" ? "" : key, text]),
		},
		{
			key: "baseline",
			label: "Compare with",
			options: targets && [["", "No baseline"], ...targets],
			hint: "provider/model",
		},
		...WHERE,
	];
	put(bar, filters(route, fields()));
	choices().then(
		(targets) =>
			targets &&
			!bar.contains(document.activeElement) &&
			put(bar, filters(route, fields(targets))),
	);
	fill(body, bring, 8);
}
