// audit: who did what as an admin, and who was refused, the newest first.
import { section } from "../part/card.js";
import { h, put } from "../part/element.js";
import { exportRows } from "../part/export.js";
import { filters } from "../part/filter.js";
import { head } from "../part/head.js";
import { fill } from "../part/notice.js";
import { when } from "../part/number.js";
import { word } from "../part/standing.js";
import { table } from "../part/table.js";
import { ask, who } from "../server.js";

const FIELDS = [
	{ key: "actor", label: "Who", hint: "all" },
	{ key: "action", label: "Action", hint: "tokens, reload …" },
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

async function list(route, exports) {
	const query = Object.fromEntries(FIELDS.map(({ key }) => [key, route.query.get(key)]));
	const answer = await ask("audit", { ...query, limit: query.limit || 100 });
	const rows = Array.isArray(answer) ? answer : answer.rows;
	put(exports, rows.length > 0 && exportRows(`${who().member}-audit`, rows));
	return section(
		"Audit log",
		'each row holds the hash of the one before it: a changed or missing row is found by "audit verify"',
		table({
			caption: "Audit log",
			rows,
			none: "No row fits these filters.",
			columns: [
				{ key: "seq", label: "No.", number: true },
				{ key: "at", label: "When (UTC)", cell: (row) => when(row.at) },
				{ key: "actor", label: "Who", cell: (row) => row.actor || "(nobody known)" },
				{ key: "action", label: "Action", cell: (row) => h("code", {}, row.action) },
				{ key: "what", label: "About", wide: true },
				{ key: "outcome", label: "Outcome", cell: (row) => word(row.outcome) },
				{ key: "status", label: "Status", number: true, cell: (row) => row.status || "" },
				{
					key: "why",
					label: "Why",
					wide: true,
					cell: (row) => [row.why, row.times > 0 && ` (${row.times} times more)`],
				},
				{ key: "role", label: "Roles", cell: (row) => row.role?.replaceAll(",", ", ") },
				{ key: "from", label: "From", cell: (row) => row.from || "this machine" },
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
