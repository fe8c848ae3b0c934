// requests: the newest first, narrowed by filters, page by page; each opens to
// all that is known of it. At an egress: its calls.
import { section } from "../part/card.js";
import { h, put } from "../part/element.js";
import { exportRows } from "../part/export.js";
import { filters } from "../part/filter.js";
import { head } from "../part/head.js";
import { fill } from "../part/notice.js";
import { count, measured, tokens, usd, when } from "../part/number.js";
import { outcome } from "../part/standing.js";
import { table } from "../part/table.js";
import { changed, write } from "../route.js";
import { ask, may, who } from "../server.js";

const PAGE = 50;
const KEYS = ["caller", "project", "team", "group", "target", "fail", "status"];

const figures = [
	{ key: "cost_microusd", label: "Cost", number: true, cell: (row) => usd(row.cost_microusd) },
	{ key: "total_us", label: "Whole", number: true, cell: (row) => measured(row.total_us) },
	{
		key: "first_byte_us",
		label: "First byte",
		number: true,
		cell: (row) => measured(row.first_byte_us),
	},
	{ key: "input", label: "Input", number: true, cell: (row) => tokens(row.input) },
	{ key: "output", label: "Output", number: true, cell: (row) => tokens(row.output) },
];

const OF_NODE = [
	{ key: "received_at", label: "Received (UTC)", cell: (row) => when(row.received_at) },
	{ key: "status", label: "Outcome", cell: outcome },
	{ key: "caller", label: "Caller" },
	{ key: "group", label: "Group" },
	{ key: "target", label: "Target" },
	...figures,
	{ key: "attempts", label: "Attempts", number: true, cell: (row) => count(row.attempts) },
	{ key: "project", label: "Project" },
	{ key: "user", label: "User" },
];

const OF_EGRESS = [
	{ key: "started_at", label: "Started (UTC)", cell: (row) => when(row.started_at) },
	{ key: "status", label: "Outcome", cell: outcome },
	{ key: "team", label: "Team" },
	{ key: "origin", label: "Node" },
	{ key: "target", label: "Target" },
	{ key: "number", label: "Attempt", number: true },
	...figures,
];

const summed = (row) => ({
	...row,
	input:
		row.input_tokens +
		row.cache_read_tokens +
		row.cache_write_tokens +
		(row.cache_write_1h_tokens ?? 0),
	output: row.output_tokens + row.reasoning_tokens,
});

async function names() {
	const [groups, tokens_] = await Promise.all([
		may("groups") ? ask("groups").catch(() => null) : null,
		may("tokens") ? ask("tokens").catch(() => null) : null,
	]);
	const all = (list) => list && [["", "All"], ...[...new Set(list)].sort()];
	return {
		groups: all(groups?.groups.map((group) => group.name)),
		targets: all(
			groups?.groups.flatMap((group) => group.targets.map((target) => target.target)),
		),
		callers: all(tokens_?.map((token) => token.name)),
	};
}

const fields = (known) => [
	{ key: "caller", label: "Caller", options: known.callers, hint: "all" },
	...(who().role === "node"
		? [{ key: "project", label: "Project", hint: "all" }]
		: [{ key: "team", label: "Team", hint: "all" }]),
	{ key: "group", label: "Group", options: known.groups, hint: "all" },
	{ key: "target", label: "Target", options: known.targets, hint: "provider/model" },
	{
		key: "fail",
		label: "Outcome",
		options: [
			["", "All"],
			["any", "Failed, any error"],
		],
	},
	{ key: "status", label: "HTTP status", kind: "number", hint: "all" },
];

function pages(route, rows) {
	const id = rows.at(-1)?.id ?? rows.at(-1)?.request;
	if (!route.query.get("before") && rows.length < PAGE) return null;
	return h(
		"nav",
		{ class: "pages", "aria-label": "Pages of requests" },
		route.query.get("before") && h("a", { href: changed(route, { before: "" }) }, "Newest"),
		rows.length === PAGE && h("a", { href: changed(route, { before: id }) }, "Older"),
	);
}

// Of a daemon that does not page, the same rows would come again.
function isSame(rows, before) {
	return before && rows.some((row) => (row.id ?? row.request) >= before);
}

async function list(route, exports) {
	const query = Object.fromEntries(KEYS.map((key) => [key, route.query.get(key)]));
	const before = route.query.get("before");
	const rows = (await ask("requests", { ...query, before, limit: PAGE })).map(summed);
	if (isSame(rows, before))
		throw Object.assign(new Error("This daemon gives the newest requests only."), {
			status: 404,
		});
	put(exports, rows.length > 0 && exportRows(`${who().member}-requests`, rows));
	const node = who().role === "node";
	return h(
		"div",
		{ class: "stack" },
		section(
			before ? "Older requests" : "Newest requests",
			`${rows.length} of them; times are UTC`,
			table({
				caption: "Requests",
				rows,
				columns: node ? OF_NODE : OF_EGRESS,
				open: may("explain/") && ((row) => write("request", [row.id ?? row.request])),
				none: KEYS.some((key) => query[key])
					? "No request fits these filters."
					: "No requests yet.",
				hint: KEYS.some((key) => query[key])
					? "Only the latest 50,000 are looked through."
					: "They appear here as soon as a caller asks.",
			}),
			pages(route, rows),
		),
	);
}

export function show(place, route) {
	const bar = h("div"),
		body = h("div"),
		exports = h("div");

	put(
		place,
		head(
			"Requests",
			who().role === "node"
				? "What callers asked of this node"
				: "Calls that this egress made for nodes",
			exports,
		),
		bar,
		body,
	);
	put(bar, filters(route, fields({})));
	names().then((known) => {
		if (!bar.contains(document.activeElement)) put(bar, filters(route, fields(known)));
	});
	fill(body, () => list(route, exports), 8);
}
