// audit: who did what as an admin, and who was refused, the newest first.
import { section } from "../part/card.js";
import { h, put } from "../part/element.js";
import { exportRows } from "../part/export.js";
import { filters } from "../part/filter.js";
import { head } from "../part/head.js";
import { fill } from "../part/notice.js";
import { count, when } from "../part/number.js";
import { word } from "../part/standing.js";
import { table } from "../part/table.js";
import { write } from "../route.js";
import { ask, may, who } from "../server.js";

const FIELDS = [
	{ key: "actor", label: "Who", hint: "all" },
	{ key: "action", label: "Action", hint: "POST, tokens, reload …" },
	{ key: "what", label: "About", hint: "all" },
	{
		key: "outcome",
		label: "Outcome",
		options: [
			["", "All"],
			["done", "Done"],
			["refused", "Refused"],
			["failed", "Failed"],
		],
	},
	{
		key: "limit",
		label: "Rows",
		options: [
			["", "100"],
			["1000", "1,000"],
			["10000", "10,000"],
		],
	},
];

const about = (row) => [
	/explain\/$/.test(row.action) && may("explain/") && /^(req_)?\w+$/.test(row.what)
		? h("a", { href: write("request", [row.what]) }, row.what)
		: row.what,
	row.why && [row.what && ", ", row.why],
];

// The same again and again is one row: how often, and since when.
const again = (row) =>
	row.times > 0 && [
		`${count(row.times)} × `,
		h("small", {}, `since ${when(row.since)}`),
	];

async function list(route, exports) {
	const query = Object.fromEntries(FIELDS.map(({ key }) => [key, route.query.get(key)]));
	const answer = await ask("audit", { ...query, limit: query.limit || 100 });
	const rows = Array.isArray(answer) ? answer : answer.rows;
	put(exports, rows.length > 0 && exportRows(`${who().member}-audit`, rows));
	return section(
		"Audit log",
		'each row holds the hash of the one before it, so "audit verify" finds what was changed or removed; the same read or refusal again within ten minutes is counted in one row',
		table({
			caption: "Audit log",
			rows,
			none: "No row fits these filters.",
			columns: [
				{ key: "seq", label: "No.", number: true },
				{ key: "at", label: "When (UTC)", cell: (row) => when(row.at) },
				{ key: "actor", label: "Who", cell: (row) => row.actor || "(nobody known)" },
				{ key: "action", label: "Action", cell: (row) => h("code", {}, row.action) },
				{ key: "what", label: "About", wide: true, cell: about },
				{
					key: "outcome",
					label: "Outcome",
					cell: (row) => [word(row.outcome), row.status > 0 && ` ${row.status}`],
				},
				{ key: "times", label: "Again", cell: again, sort: (row) => row.times },
				{ key: "from", label: "From", cell: (row) => row.from || "this machine" },
				{ key: "role", label: "Roles", cell: (row) => row.role?.replaceAll(",", ", ") },
			],
		}),
	);
}

export function show(place, route) {
	const body = h("div"),
		exports = h("div");

	put(
		place,
		head("Audit", "What admins did here, and who was refused", exports),
		filters(route, FIELDS),
		body,
	);
	fill(body, () => list(route, exports), 8);
}
