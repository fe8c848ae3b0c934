// overview: how the member does just now, and what it did today.
import { badge, card, cards, section } from "../part/card.js";
import { chart } from "../part/chart.js";
import { h, put } from "../part/element.js";
import { head } from "../part/head.js";
import { live } from "../part/live.js";
import { empty, failed, fill } from "../part/notice.js";
import { count, duration, measured, share, tokens, usd, usdAxis, when } from "../part/number.js";
import { hoursAgo } from "../part/period.js";
import { counted, fields, overTime, report } from "../part/report.js";
import { state, STATES } from "../part/standing.js";
import { table } from "../part/table.js";
import { write } from "../route.js";
import { menu } from "../sections.js";
import { ask, may, who } from "../server.js";

function figures(total) {
	return cards(
		card("Spent", usd(total.cost_microusd), { note: "last 24 hours", href: write("spend") }),
		card(counted(), count(total.requests), {
			href: write("requests"),
			note: `${tokens(total.input_tokens + total.cache_read_tokens + total.output_tokens + total.reasoning_tokens)} tokens`,
		}),
		card("Failed", share(total.errors, total.requests), {
			tone: total.errors > 0.05 * total.requests ? "bad" : "",
			note: `${count(total.errors)} of ${count(total.requests)}`,
			href: write("requests", [], { fail: "any" }),
		}),
		card("First byte", measured(total.first_byte_p50_us), {
			href: write("performance"),
			note: `p95 ${measured(total.first_byte_p95_us)}`,
		}),
		card("Fallbacks", count(total.fallbacks), {
			note: `${count(total.queued)} queued, ${count(total.refused)} refused`,
		}),
	);
}

async function today() {
	const query = { from: hoursAgo(24), by: "hour" };
	const [all, groups] = await Promise.all([
		report(query),
		report({ ...query, by: "hour,group" }),
	]);
	if (!all.total?.requests)
		return h(
			"section",
			{ class: "panel" },
			empty(
				"Nobody asked in the last 24 hours.",
				"Make a token for a caller, and let it ask for a group: see Callers and tokens.",
			),
		);
	return h(
		"div",
		{ class: "stack" },
		figures(all.total),
		h(
			"div",
			{ class: "pair" },
			section(
				"Spend by group",
				chart({
					title: "USD an hour",
					kind: "stack",
					hour: true,
					format: usd,
					axis: usdAxis,
					...overTime(groups, "hour", "group", "cost_microusd"),
				}),
			),
			section(
				"Time to answer",
				chart({
					title: "First byte and whole answer",
					hour: true,
					format: duration,
					...fields(all, "hour", [
						["first_byte_p50_us", "first byte, p50"],
						["first_byte_p95_us", "first byte, p95"],
						["total_p95_us", "whole, p95"],
					]),
				}),
			),
		),
	);
}

// Of what is wrong, the worst first; what is well is counted only.
async function targets() {
	const all = await ask("targets");
	const bad = all.filter((target) => target.state !== "ok");
	return section(
		"Targets",
		h(
			"p",
			{},
			badge(
				`${all.length - bad.length} of ${all.length} in use`,
				bad.length ? "warn" : "good",
			),
		),
		bad.length > 0 &&
			table({
				caption: "Targets that are out of use",
				rows: bad,
				columns: [
					{ key: "target", label: "Target" },
					{ key: "state", label: "State", cell: state },
					{ key: "why", label: "Why", cell: (row) => row.why || row.backoff, wide: true },
				],
			}),
	);
}

async function capacity() {
	const all = await ask("capacity");
	const bad = all.filter((account) => account.state !== "open");
	return section(
		"Accounts",
		h(
			"p",
			{},
			badge(`${all.length - bad.length} of ${all.length} open`, bad.length ? "warn" : "good"),
		),
		bad.length > 0 &&
			table({
				caption: "Accounts that back off",
				rows: bad,
				columns: [
					{
						key: "account",
						label: "Account",
						cell: (row) => [row.account, row.model].filter(Boolean).join("/"),
					},
					{
						key: "state",
						label: "State",
						cell: (row) => badge(row.state, STATES[row.state] ?? "warn"),
					},
					{
						key: "wait_us",
						label: "For",
						number: true,
						cell: (row) => duration(row.wait_us),
					},
				],
			}),
	);
}

async function events() {
	const rows = await ask("events", { limit: 12 });
	return section(
		"Latest events",
		table({
			caption: "Latest events",
			rows,
			none: "Nothing happened yet.",
			columns: [
				{ key: "at", label: "When (UTC)", cell: (row) => when(row.at) },
				{ key: "kind", label: "What", cell: (row) => row.kind.replaceAll("-", " ") },
				{
					key: "target",
					label: "About",
					cell: (row) => [row.target || row.caller || row.team, row.group].filter(Boolean).join(", "),
				},
				{
					key: "detail",
					label: "Detail",
					wide: true,
					cell: (row) =>
						[
							row.outcome,
							row.waited_us > 0 && `for ${duration(row.waited_us)}`,
							row.bucket && `by ${row.bucket}`,
							row.detail,
						]
							.filter(Boolean)
							.join(" "),
				},
				{ key: "by", label: "By" },
			],
		}),
	);
}

// For who sees nothing but numbers: they are what a collector would get.
async function counters() {
	const rows = Object.entries(await ask("counters")).map(([name, value]) => ({ name, value }));
	return section(
		"Counters",
		"since the daemon started",
		table({
			caption: "Counters",
			rows,
			columns: [
				{
					key: "name",
					label: "Counter",
					cell: (row) => row.name.replace(/^gsr_|_total$/g, "").replaceAll("_", " "),
				},
				{ key: "value", label: "Value", number: true, cell: (row) => count(row.value) },
			],
		}),
	);
}

// For who sees no figures at all: where to go, and what is not for pages.
function pages() {
	const others = menu().filter((one) => one.name !== "overview");
	const { name, roles } = who();
	return section(
		"What you may do here",
		`the token "${name}" has the role ${roles.join(", ")}`,
		others.length > 0
			? h(
					"p",
					{},
					...others.flatMap((one, i) => [
						i > 0 && ", ",
						h("a", { href: write(one.name) }, one.title),
					]),
				)
			: empty(
					"No page is for this role.",
					"What it may ask for is asked by programs, with the token as Authorization: Bearer.",
				),
	);
}

const LIVE = ["targets", "capacity", "events", "counters"];

const told = (bring) => bring().catch((error) => h("section", { class: "panel" }, failed(error)));

export function show(place) {
	const day = h("div", { class: "stack" });
	const now = live(async () => {
		const parts = [
			["targets", targets],
			["capacity", capacity],
			["events", events],
		].filter(([path]) => may(path));
		if (parts.length === 0 && may("counters")) parts.push(["counters", counters]);
		if (parts.length === 0 && !may("report")) return pages();
		return h(
			"div",
			{ class: "stack" },
			...(await Promise.all(parts.map(([, bring]) => told(bring)))),
		);
	}, 30);

	put(
		place,
		head(
			"Overview",
			`${who().member} of mesh ${who().mesh}: the last 24 hours, and now`,
			LIVE.some((path) => may(path)) && now.toggle,
		),
		may("report") && day,
		now.place,
	);
	if (may("report")) fill(day, today, 6);
	return now.stop;
}
