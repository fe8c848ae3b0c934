// performance: how long answers took and how many failed, over time and by
// target, group and what else.
import { card, cards, section } from "../part/card.js";
import { chart } from "../part/chart.js";
import { DIMENSIONS, where, WHERE } from "../part/dimension.js";
import { h, put } from "../part/element.js";
import { exported } from "../part/export.js";
import { filters } from "../part/filter.js";
import { head } from "../part/head.js";
import { empty, fill } from "../part/notice.js";
import { count, countAxis, duration, measured, share, tokens } from "../part/number.js";
import { period, periodOf } from "../part/period.js";
import { counted, fields, report } from "../part/report.js";
import { table } from "../part/table.js";
import { address, who } from "../server.js";

const percent = (value) => `${Number(value ?? 0).toFixed(1)} %`;
const rate = (field, of) => (row) => (row[of] ? (100 * row[field]) / row[of] : null);

function figures(total) {
	return cards(
		card("First byte", measured(total.first_byte_p50_us), {
			note: `p95 ${measured(total.first_byte_p95_us)}`,
		}),
		card("Whole answer", measured(total.total_p50_us), {
			note: `p95 ${measured(total.total_p95_us)}, p99 ${measured(total.total_p99_us)}`,
		}),
		card(
			"Tokens a second",
			total.tokens_per_second_p50 ? tokens(total.tokens_per_second_p50) : "–",
			{ note: "median of streams" },
		),
		card("Failed", share(total.errors, total.requests), {
			tone: total.errors > 0.05 * total.requests ? "bad" : "",
			note: `${count(total.errors)} of ${count(total.requests)}`,
		}),
		card("Fallbacks", share(total.fallbacks, total.requests), {
			note: `${count(total.failed_attempts)} of ${count(total.attempts)} attempts failed`,
		}),
		card("Queued", share(total.queued, total.requests), {
			note: `by shaping; ${count(total.refused)} refused`,
		}),
	);
}

export function show(place, route) {
	const span = periodOf(route, "7d");
	const by = route.query.get("by") ?? "target";
	const named = DIMENSIONS.find(([key]) => key === by)?.[1] ?? by;
	const query = { from: span.from, to: span.to, where: where(route) };
	const file = (format) => address("report", { ...query, by: `${span.by},${by}`, format });
	const body = h("div");

	async function bring() {
		const [sums, times] = await Promise.all([
			report({ ...query, by }),
			report({ ...query, by: span.by }),
		]);
		if (sums.rows.length === 0)
			return h(
				"section",
				{ class: "panel" },
				empty("No requests in this time.", "Choose another period, or fewer filters."),
			);
		const hour = span.by === "hour";
		const over = (named) => fields(times, span.by, named);
		return h(
			"div",
			{ class: "stack" },
			figures(sums.total),
			h(
				"div",
				{ class: "pair" },
				section(
					"First byte",
					chart({
						title: "Head read to first content",
						hour,
						format: duration,
						...over([
							["first_byte_p50_us", "p50"],
							["first_byte_p95_us", "p95"],
						]),
					}),
				),
				section(
					"Whole answer",
					chart({
						title: "Head read to settlement",
						hour,
						format: duration,
						...over([
							["total_p50_us", "p50"],
							["total_p95_us", "p95"],
							["total_p99_us", "p99"],
						]),
					}),
				),
				section(
					"What did not go straight",
					chart({
						title: `Of ${counted().toLowerCase()}`,
						hour,
						format: percent,
						...over([
							[rate("errors", "requests"), "failed"],
							[rate("fallbacks", "requests"), "fell back"],
							[rate("queued", "requests"), "queued"],
						]),
					}),
				),
				section(
					counted(),
					chart({
						title: `${span.by === "hour" ? "An" : "A"} ${span.by}`,
						kind: "stack",
						hour,
						format: count,
						axis: countAxis,
						...over([["requests", counted().toLowerCase()]]),
					}),
				),
			),
			section(
				named,
				table({
					caption: `Performance by ${named}`,
					sorted: "requests",
					rows: sums.rows,
					total: { ...sums.total, [by]: "All" },
					columns: [
						{ key: by, label: named, cell: (row) => row[by] || "(none)" },
						{
							key: "requests",
							label: counted(),
							number: true,
							cell: (row) => count(row.requests),
						},
						{
							key: "errors",
							label: "Failed",
							number: true,
							cell: (row) => share(row.errors, row.requests),
							sort: (row) => (row.requests ? row.errors / row.requests : 0),
						},
						{
							key: "fallbacks",
							label: "Fell back",
							number: true,
							cell: (row) => count(row.fallbacks),
						},
						{
							key: "queued",
							label: "Queued",
							number: true,
							cell: (row) => count(row.queued),
						},
						{
							key: "queued_us",
							label: "Mean wait",
							number: true,
							sort: (row) => row.queued_us / (row.queued || 1),
							cell: (row) => measured(row.queued_us / (row.queued || 1)),
						},
						...[
							"first_byte_p50_us",
							"first_byte_p95_us",
							"total_p50_us",
							"total_p95_us",
							"total_p99_us",
						].map((key) => ({
							key,
							label: key
								.replace("first_byte", "First byte")
								.replace("total", "Whole")
								.replace("_p", ", p")
								.replace("_us", ""),
							number: true,
							cell: (row) => measured(row[key]),
						})),
						{
							key: "tokens_per_second_p50",
							label: "Tokens/s",
							number: true,
							cell: (row) =>
								row.tokens_per_second_p50 ? tokens(row.tokens_per_second_p50) : "–",
						},
					],
				}),
			),
		);
	}

	put(
		place,
		head(
			"Performance",
			"How long answers took, and how many failed; UTC",
			exported([
				["CSV", file("csv"), `${who().member}-performance.csv`],
				["JSON", file("json"), `${who().member}-performance.json`],
			]),
		),
		period(route),
		filters(route, [
			{
				key: "by",
				label: "By",
				options: DIMENSIONS.map(([key, text]) => [key === "target" ? "" : key, text]),
			},
			...WHERE,
		]),
		body,
	);
	fill(body, bring, 8);
}
