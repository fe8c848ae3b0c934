// callers: who may call this node, by which token; making one and taking it back.
import { section } from "../part/card.js";
import { ask as confirm, told } from "../part/dialog.js";
import { h, put } from "../part/element.js";
import { exportRows } from "../part/export.js";
import { head } from "../part/head.js";
import { fill } from "../part/notice.js";
import { count, NONE, usdText, when } from "../part/number.js";
import { word } from "../part/standing.js";
import { table } from "../part/table.js";
import { expiry, field, revoking } from "../part/token.js";
import { write } from "../route.js";
import { ask, may, send, who } from "../server.js";

// Its groups are ticked where they are known, else written.
function groupField(groups) {
	if (!groups) return field("Groups", { name: "groups", required: true }, "separated by commas");
	return h(
		"fieldset",
		{},
		h("legend", {}, "Groups it may ask for"),
		...groups.map((name) =>
			h("label", {}, h("input", { type: "checkbox", name: "group", value: name }), name),
		),
	);
}

async function create(again) {
	const known = may("groups") ? await ask("groups").catch(() => null) : null;
	const form = await confirm(
		"New token",
		[
			field(
				"Name",
				{ name: "name", required: true, maxlength: 64 },
				"of the application or agent that calls",
			),
			groupField(known?.groups.map((group) => group.name)),
			h(
				"div",
				{ class: "wide" },
				field("User", { name: "user", maxlength: 64 }, "optional"),
				field("Project", { name: "project", maxlength: 64 }, "optional"),
				field("Tier", { name: "tier", maxlength: 64 }, "optional, of the node file"),
				expiry(),
			),
		],
		"Create",
		async (entered) => {
			const groups = known
				? entered.getAll("group")
				: entered
						.get("groups")
						.split(",")
						.map((name) => name.trim())
						.filter(Boolean);
			const days = Number(entered.get("days"));
			if (groups.length === 0) throw new Error("A token is for one group at least.");
			return send("POST", "tokens", {
				name: entered.get("name").trim(),
				user: entered.get("user").trim(),
				project: entered.get("project").trim(),
				tier: entered.get("tier").trim(),
				groups,
				expires_us: days ? (Date.now() + days * 86400e3) * 1000 : 0,
			});
		},
	);
	if (form === null) return;
	await told(
		"The new token",
		h("p", {}, "It is shown this once: only its hash is kept. Give it to the caller now."),
		h("code", { class: "told", tabindex: "0" }, form.trim()),
	);
	again();
}

async function revoke(token, again) {
	const done = await confirm(
		"Revoke this token?",
		[
			h(
				"p",
				{},
				"Requests of ",
				h("b", {}, token.name),
				" are refused from now on. This cannot be taken back.",
			),
		],
		"Revoke",
		() => send("POST", "tokens/revoke", { name: token.name }),
		"danger",
	);
	if (done !== null) again();
}

export function show(place) {
	const body = h("div"),
		exports = h("div");
	const again = () => fill(body, bring, 6);
	const change = may("tokens", "POST");

	async function bring() {
		const [rows, seen] = await Promise.all([
			ask("tokens"),
			may("callers") ? ask("callers").catch(() => []) : [],
		]);
		const live = new Map(seen.map((one) => [one.name, one]));
		put(exports, rows.length > 0 && exportRows(`${who().member}-tokens`, rows));
		const active = rows.filter((row) => row.state === "active").length;
		return section(
			"Tokens",
			`${active} active, ${rows.length - active} expired or revoked`,
			table({
				caption: "Tokens",
				rows: [...rows].sort((a, b) => (a.state !== "active") - (b.state !== "active")),
				none: "No tokens yet.",
				hint: "A caller needs one: it is shown once, when it is made.",
				columns: [
					{
						key: "name",
						label: "Caller",
						cell: (row) =>
							may("requests")
								? h(
										"a",
										{ href: write("requests", [], { caller: row.name }) },
										row.name,
									)
								: row.name,
					},
					{ key: "state", label: "State", cell: (row) => word(row.state) },
					{ key: "user", label: "User" },
					{ key: "project", label: "Project" },
					{ key: "tier", label: "Tier" },
					...(seen.length > 0
						? [
								{
									key: "seen",
									label: "Last seen (UTC)",
									sort: (row) => live.get(row.name)?.last_seen,
									cell: (row) =>
										when(row.state === "active" && live.get(row.name)?.last_seen),
								},
								{
									key: "asked",
									label: "Requests, day",
									number: true,
									sort: (row) => live.get(row.name)?.spent.day.requests,
									cell: (row) =>
										row.state === "active"
											? count(live.get(row.name)?.spent.day.requests)
											: NONE,
								},
								{
									key: "spent",
									label: "Spent, month",
									number: true,
									sort: (row) => Number(live.get(row.name)?.spent.month.usd),
									cell: (row) =>
										row.state === "active"
											? usdText(live.get(row.name)?.spent.month.usd)
											: NONE,
								},
							]
						: []),
					{
						key: "groups",
						label: "Groups",
						wide: true,
						cell: (row) => row.groups.replaceAll(",", ", "),
					},
					{ key: "created", label: "Made (UTC)", cell: (row) => when(row.created) },
					{
						key: "expires",
						label: "Expires (UTC)",
						cell: (row) => (row.expires ? when(row.expires) : NONE),
					},
					...(change ? [revoking((row) => revoke(row, again))] : []),
				],
			}),
		);
	}

	put(
		place,
		head(
			"Callers and tokens",
			"Who may call this node",
			exports,
			change &&
				h(
					"button",
					{ type: "button", class: "first", "on:click": () => create(again) },
					"New token",
				),
		),
		body,
	);
	again();
}
