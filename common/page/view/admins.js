// admins: who may ask this member's operator listener, for what; making such a
// token, which is shown once, and taking it back.
import { badge, section } from "../part/card.js";
import { ask as confirm, told } from "../part/dialog.js";
import { h, put } from "../part/element.js";
import { exportRows } from "../part/export.js";
import { head } from "../part/head.js";
import { fill } from "../part/notice.js";
import { NONE, when } from "../part/number.js";
import { word } from "../part/standing.js";
import { table } from "../part/table.js";
import { expiry, field, revoking } from "../part/token.js";
import { write } from "../route.js";
import { ask, may, send, who } from "../server.js";

const ROLES = {
	"report-admin": "reads requests, events, limits and reports",
	"metrics-admin": "reads /metrics and the counters",
	"token-admin": "makes and revokes tokens",
	"capture-admin": "reads what was captured of requests and answers",
	operator: "sees and changes how this member runs; reads the audit log",
};

const list = (text) =>
	(text ?? "")
		.split(",")
		.map((name) => name.trim())
		.filter(Boolean);

const of = (row) => [...list(row.teams), ...list(row.projects)].join(", ");

// To nobody can be given what one has not: the daemon refuses it, too.
function roleField() {
	return h(
		"fieldset",
		{},
		h("legend", {}, "Roles"),
		...who().roles.map((role) =>
			h(
				"label",
				{},
				h("input", { type: "checkbox", name: "role", value: role }),
				h("span", {}, role, h("small", {}, ` ${ROLES[role] ?? ""}`)),
			),
		),
	);
}

async function create(again) {
	const form = await confirm(
		"New admin token",
		[
			field(
				"Name",
				{ name: "name", required: true, maxlength: 63 },
				"of the person or program; it stands in the audit log",
			),
			roleField(),
			h(
				"div",
				{ class: "wide" },
				field("Teams", { name: "teams" }, "of report-admin; none: all"),
				field("Projects", { name: "projects" }, "of report-admin; none: all"),
				expiry(),
			),
		],
		"Create",
		async (entered) => {
			const roles = entered.getAll("role");
			const days = Number(entered.get("days"));
			if (roles.length === 0) throw new Error("An admin token has one role at least.");
			return send("POST", "admin-tokens", {
				name: entered.get("name").trim(),
				roles,
				teams: list(entered.get("teams")),
				projects: list(entered.get("projects")),
				expires_us: days ? (Date.now() + days * 86400e3) * 1000 : 0,
			});
		},
	);
	if (form === null) return;
	await told(
		"The new admin token",
		h("p", {}, "It is shown this once: only its hash is kept. Hand it over now."),
		h("code", { class: "told", tabindex: "0" }, form.trim()),
	);
	again();
}

async function revoke(row, again) {
	const own = row.name === who().name;
	const done = await confirm(
		"Revoke this admin token?",
		[
			h(
				"p",
				{},
				h("b", {}, row.name),
				" is refused from now on, and signed out of these pages. This cannot be taken back.",
			),
			own && h("p", {}, h("b", {}, "It is your own: you will be signed out.")),
		],
		"Revoke",
		() => send("POST", "admin-tokens/revoke", { name: row.name }),
		"danger",
	);
	if (done !== null) again();
}

const columns = (change, again) => [
	{
		key: "name",
		label: "Who",
		cell: (row) =>
			may("audit")
				? h("a", { href: write("audit", [], { actor: row.name }) }, row.name)
				: row.name,
	},
	{ key: "state", label: "State", cell: (row) => word(row.state) },
	{
		key: "roles",
		label: "Roles",
		wide: true,
		cell: (row) => list(row.roles).map((role) => [badge(role), " "]),
	},
	{ key: "of", label: "Held to", cell: (row) => of(row) || "all", sort: of },
	{ key: "by", label: "Made by" },
	{ key: "created", label: "Made (UTC)", cell: (row) => when(row.created) },
	{ key: "expires", label: "Expires (UTC)", cell: (row) => (row.expires ? when(row.expires) : NONE) },
	...(change ? [revoking((row) => revoke(row, again))] : []),
];

export function show(place) {
	const body = h("div"),
		exports = h("div");
	const again = () => fill(body, bring, 6);
	const change = may("admin-tokens", "POST");

	async function bring() {
		const rows = await ask("admin-tokens");
		put(exports, rows.length > 0 && exportRows(`${who().member}-admin-tokens`, rows));
		const active = rows.filter((row) => row.state === "active").length;
		return section(
			"Admin tokens",
			`${active} active, ${rows.length - active} expired or revoked`,
			table({
				caption: "Admin tokens",
				rows: [...rows].sort((a, b) => (a.state !== "active") - (b.state !== "active")),
				columns: columns(change, again),
			}),
		);
	}

	put(
		place,
		head(
			"Admin tokens",
			"Who may ask this member's operator listener, and what",
			exports,
			change &&
				h(
					"button",
					{ type: "button", class: "first", "on:click": () => create(again) },
					"New admin token",
				),
		),
		body,
	);
	again();
}
