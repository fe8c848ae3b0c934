// period: the time that a report is of: some days back, or from a day to a day.
import { changed, go } from "../route.js";
import { h } from "./element.js";

const SPANS = [
	["24h", "24 hours"],
	["7d", "7 days"],
	["30d", "30 days"],
	["90d", "90 days"],
];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

// The beginning of the hour that was so many hours ago.
export const hoursAgo = (hours) =>
	`${new Date(Date.now() - hours * 3600e3).toISOString().slice(0, 13)}:00:00Z`;

// { from, to, by } for the report's query; `by` is how fine its time can be.
export function periodOf(route, base = "7d") {
	const from = route.query.get("from") ?? base;
	const to = route.query.get("to") ?? "";
	const days = DAY.test(from)
		? (Date.parse(to || new Date().toISOString()) - Date.parse(from)) / 86400e3
		: parseFloat(from) / (from.endsWith("h") ? 24 : 1);
	const instant = (text) =>
		DAY.test(text)
			? `${text}T00:00:00Z`
			: text.endsWith("h")
				? hoursAgo(parseFloat(text))
				: text;
	return {
		from: instant(from),
		to: instant(to),
		by: days <= 3 ? "hour" : days <= 120 ? "day" : "month",
	};
}

export function period(route, base = "7d") {
	const from = route.query.get("from") ?? base;
	const to = route.query.get("to") ?? "";
	const days = DAY.test(from);
	const day = (name, label, value) =>
		h(
			"label",
			{},
			h("span", {}, label),
			h("input", {
				type: "date",
				value,
				"data-key": `period-${name}`,
				"on:change": (event) =>
					go(
						changed(route, {
							from: days ? from : "",
							to: "",
							...both(name, event.target.value),
						}),
					),
			}),
		);
	const both = (name, value) => {
		const now = { from: days ? from : value, to: days ? to : "" };
		return { ...now, [name]: value };
	};
	return h(
		"div",
		{ class: "period", role: "group", "aria-label": "Period, in UTC" },
		h(
			"div",
			{ class: "choice" },
			...SPANS.map(([span, text]) =>
				h(
					"button",
					{
						type: "button",
						"aria-pressed": String(from === span),
						"data-key": `period-${span}`,
						"on:click": () =>
							go(changed(route, { from: span === base ? "" : span, to: "" })),
					},
					text,
				),
			),
		),
		day("from", "from", days ? from : ""),
		day("to", "to (not included)", DAY.test(to) ? to : ""),
	);
}
