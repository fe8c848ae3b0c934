// comparison: requests that went a fixed way held against those that were
// routed: what of each succeeded, what it cost and took, who served it.
import { card, cards, section } from "../part/card.js";
import { groups, NARROWED_BESIDE_GROUP, where } from "../part/dimension.js";
import { h, put } from "../part/element.js";
import { exported } from "../part/export.js";
import { filters } from "../part/filter.js";
import { head } from "../part/head.js";
import { empty, fill } from "../part/notice.js";
import { count, duration, NONE, share, tokens, usd } from "../part/number.js";
import { period, periodOf } from "../part/period.js";
import { table } from "../part/table.js";
import { address, ask, who } from "../server.js";

const UNITS = {
	number: (value) => count(Math.round(100 * value) / 100),
	share: (value) => share(value, 1),
	tokens: (value) => tokens(Math.round(value)),
	"micro-USD": usd,
	microseconds: duration,
};

const told = (unit, value) => (value === null ? NONE : UNITS[unit](value));

// With its sign, which is no colour: more is better of some, and worse of others.
function difference({ unit, difference: value }) {
	if (value === null) return NONE;
	const size = unit === "share" ? `${(100 * Math.abs(value)).toFixed(1)} points` : told(unit, Math.abs(value));
	return value === 0 ? size : `${value < 0 ? "−" : "+"}${size}`;
}

function change({ difference_percent: value }) {
	if (value === null) return NONE;
	return `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value).toFixed(1)} %`;
}

const FIGURES = [
	{ key: "label", label: "Figure", fixed: true },
	{ key: "fixed", label: "Fixed", number: true, fixed: true, cell: (row) => told(row.unit, row.fixed) },
	{ key: "routed", label: "Routed", number: true, fixed: true, cell: (row) => told(row.unit, row.routed) },
	{ key: "difference", label: "Difference", number: true, fixed: true, cell: difference },
	{ key: "percent", label: "By", number: true, fixed: true, cell: change },
];

const parts = (key, label) => [
	{ key, label },
	{ key: "fixed", label: "Fixed", number: true, cell: (row) => count(row.fixed) },
	{ key: "fixed_share", label: "Of them", number: true, cell: (row) => told("share", row.fixed_share) },
	{ key: "routed", label: "Routed", number: true, cell: (row) => count(row.routed) },
	{ key: "routed_share", label: "Of them", number: true, cell: (row) => told("share", row.routed_share) },
];

// The three that are asked for first.
function foremost(figures) {
	const named = (name) => figures.find(({ figure }) => figure === name);
	const one = (name, title) => {
		const line = named(name);
		return card(title, difference(line), {
			note: `${told(line.unit, line.routed)} in place of ${told(line.unit, line.fixed)}`,
		});
	};
	return cards(
		one("success_share", "Succeeded"),
		one("cost_per_request_microusd", "Cost a request"),
		one("total_p50_us", "Whole answer, p50"),
	);
}

const side = (name) => (name ? `group:${name}` : "");

export function show(place, route) {
	const span = periodOf(route, "30d");
	const fixed = route.query.get("fixed") ?? "",
		routed = route.query.get("routed") ?? "";
	const query = {
		from: span.from,
		to: span.to,
		where: where(route, NARROWED_BESIDE_GROUP),
		fixed: side(fixed),
		routed: side(routed),
	};
	const file = (format) => address("report", { ...query, format });
	const named = (format) => `${who().member}-comparison.${format}`;
	const body = h("div"),
		bar = h("div");

	async function bring() {
		const answer = await ask("report", query);
		if (answer.fixed.requests + answer.routed.requests === 0)
			return h(
				"section",
				{ class: "panel" },
				empty("Neither group was asked in this time.", "Choose another period, or other groups."),
			);
		return h(
			"div",
			{ class: "stack" },
			foremost(answer.figures),
			section(
				`${fixed} and ${routed}`,
				`${count(answer.fixed.requests)} requests went the fixed way, ${count(answer.routed.requests)} were routed. They are not paired: ` +
					"what differs comes of routing only where both had the same work.",
				table({ caption: "Figures", rows: answer.figures, columns: FIGURES }),
			),
			section(
				"Targets",
				table({ caption: "Targets", rows: answer.targets, columns: parts("target", "Target"), sorted: "routed" }),
			),
			answer.errors.length > 0 &&
				section(
					"Errors",
					table({ caption: "Errors", rows: answer.errors, columns: parts("error", "Error"), sorted: "routed" }),
				),
		);
	}

	put(
		place,
		head(
			"Fixed and routed",
			"What routing brings, by two groups; UTC",
			fixed &&
				routed &&
				exported([
					["CSV", file("csv"), named("csv")],
					["JSON", file("json"), named("json")],
					["Markdown", file("markdown"), named("md")],
				]),
		),
		period(route, "30d"),
		bar,
		body,
	);
	const fields = (names) => [
		{ key: "fixed", label: "Fixed group", options: names && [["", "Choose"], ...names], hint: "its name" },
		{ key: "routed", label: "Routed group", options: names && [["", "Choose"], ...names], hint: "its name" },
		...NARROWED_BESIDE_GROUP.map(([key, label]) => ({ key, label, hint: "all" })),
	];
	put(bar, filters(route, fields()));
	groups().then(
		(all) =>
			all &&
			!bar.contains(document.activeElement) &&
			put(bar, filters(route, fields(all.map(({ name }) => name)))),
	);
	if (fixed && routed) return void fill(body, bring, 8);
	put(
		body,
		h(
			"section",
			{ class: "panel" },
			empty(
				"Choose two groups.",
				"One that always takes the same target, and one that is routed: what both were asked in this time is held against each other.",
			),
		),
	);
}
