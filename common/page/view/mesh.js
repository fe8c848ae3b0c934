// mesh: this member, its links to others, and the targets behind them; taking a
// target out of use and bringing it back.
import { badge, facts, section } from "../part/card.js";
import { ask as confirm, told } from "../part/dialog.js";
import { h, put } from "../part/element.js";
import { head } from "../part/head.js";
import { live } from "../part/live.js";
import { ofEgress, ofNode } from "../part/neighbours.js";
import { failed } from "../part/notice.js";
import { bytes, count, duration, measured, when } from "../part/number.js";
import { state, word } from "../part/standing.js";
import { table } from "../part/table.js";
import { ask, may, send, who } from "../server.js";

const HOURS = [
	["", "until it is enabled"],
	["0.5", "for half an hour"],
	["4", "for four hours"],
	["24", "for a day"],
];

async function member(again) {
	const [version, ready] = await Promise.all([
		ask("../version"),
		fetch("/readyz").then((answer) => answer.text()),
	]);
	const button =
		may("reload", "POST") &&
		h(
			"button",
			{ type: "button", "data-key": "reload", "on:click": () => reload(again) },
			"Reload",
		);
	return h(
		"section",
		{ class: "panel" },
		h("header", { class: "split" }, h("h2", {}, "This member"), button),
		facts([
			["Name", version.member],
			["Mesh", version.mesh],
			["Role", who().role],
			["Version", version.version],
			[
				"State",
				ready.trim() === "ready" ? badge("ready", "good") : badge(ready.trim(), "warn"),
			],
			["Topology", h("code", {}, version.topology)],
			["Version of mesh.yaml", version.mesh_version],
			["Version of its file", version.node_version || null],
		]),
	);
}

const OF_LINK = [
	{ key: "peer", label: "Member" },
	{
		key: "state",
		label: "State",
		cell: (row) => [
			word(row.state),
			row.next_try_us > 0 && ` tries in ${duration(row.next_try_us)}`,
		],
	},
	{ key: "since", label: "Since (UTC)", cell: (row) => when(row.since) },
	{ key: "lane", label: "Lane", number: true },
	{ key: "rtt_us", label: "Round trip", number: true, cell: (row) => measured(row.rtt_us) },
	{ key: "streams", label: "Streams", number: true, cell: (row) => count(row.streams) },
	{
		key: "streams_total",
		label: "In all",
		number: true,
		cell: (row) => count(row.streams_total),
	},
	{ key: "bytes_in", label: "Received", number: true, cell: (row) => bytes(row.bytes_in) },
	{ key: "bytes_out", label: "Sent", number: true, cell: (row) => bytes(row.bytes_out) },
	{ key: "lost", label: "Lost", number: true, cell: (row) => count(row.lost) },
	{
		key: "topology_is",
		label: "Topology",
		cell: (row) => badge(row.topology_is, row.topology_is === "same" ? "" : "warn"),
	},
	{ key: "why", label: "Why", wide: true, cell: (row) => row.why || "–" },
];

const OF_REFUSED = [
	{ key: "peer", label: "Member", cell: (row) => row.peer || "(nobody known)" },
	{ key: "at", label: "Last (UTC)", cell: (row) => when(row.at) },
	{ key: "count", label: "Times", number: true, cell: (row) => count(row.count) },
	{ key: "why", label: "Why", wide: true },
];

// What serves before and after; an error says file and line, and changes nothing.
async function reload(again) {
	const before = await ask("../version");
	const done = await confirm(
		"Reload the topology?",
		[
			h(
				"p",
				{},
				"The signed files on this machine are read anew. Requests under way end by the old " +
					"ones; where something is wrong, the old ones go on serving.",
			),
			facts([["Serving now", h("code", {}, before.topology), "long"]]),
		],
		"Reload",
		() => send("POST", "reload"),
	);
	if (done === null) return;
	const after = await ask("../version");
	const same = before.topology === after.topology;
	await told(
		same ? "Nothing has changed" : "The new topology serves",
		facts([
			["Before", h("code", {}, before.topology), "long"],
			["mesh.yaml", `version ${before.mesh_version}`],
			["Its own file", before.node_version ? `version ${before.node_version}` : null],
		]),
		facts([
			["After", h("code", {}, after.topology), "long"],
			["mesh.yaml", `version ${after.mesh_version}`],
			["Its own file", after.node_version ? `version ${after.node_version}` : null],
		]),
	);
	again();
}

// Of each target its provider, the egress it is reached through, and how it stands.
async function reached() {
	if (who().role !== "node")
		return (await ask("targets"))
			.filter((row) => row.model)
			.map((row) => ({ provider: row.account, egress: "", state: row.state }));
	const [rows, { groups }] = await Promise.all([ask("targets"), ask("groups")]);
	const states = new Map(rows.map((row) => [row.target, row.state]));
	const all = new Map();
	for (const target of groups.flatMap((group) => group.targets))
		all.set(target.target, {
			provider: target.target.split("/")[0],
			egress: target.egress,
			state: target.offered ? (states.get(target.target) ?? "ok") : "not offered",
		});
	return [...all.values()];
}

async function links() {
	const [{ links: rows, refused = [] }, targets] = await Promise.all([
		ask("links"),
		may("targets") ? reached() : [],
	]);
	const draw = who().role === "node" ? ofNode : ofEgress;
	return section(
		"Links",
		who().role === "node"
			? "to the egresses that it reaches providers through"
			: "of the nodes that it serves",
		draw(who().member, rows, targets),
		table({
			caption: "Links",
			rows,
			columns: OF_LINK,
			none: "No links.",
			hint: "A node without parents calls its own upstreams only.",
		}),
		refused.length > 0 && h("h3", {}, "Not let in"),
		refused.length > 0 &&
			table({ caption: "Links that were not let in", rows: refused, columns: OF_REFUSED }),
	);
}

async function disable(target, again) {
	const done = await confirm(
		`Take ${target} out of use?`,
		[
			h("p", {}, "Requests go to the other targets of its groups."),
			h(
				"label",
				{},
				"Why",
				h("small", {}, "kept with the event, for your colleagues"),
				h("input", { name: "why", maxlength: 200, autocomplete: "off" }),
			),
			h(
				"label",
				{},
				"For how long",
				h(
					"select",
					{ name: "hours" },
					...HOURS.map(([value, text]) => h("option", { value }, text)),
				),
			),
		],
		"Disable",
		(form) =>
			send("POST", "targets/disable", {
				target,
				why: form.get("why"),
				for_ms: Math.round(Number(form.get("hours")) * 3600e3),
			}),
		"danger",
	);
	if (done !== null) again();
}

const used = [
	{
		key: "attempts",
		label: "Attempts",
		number: true,
		cell: (row) => count(row.attempts),
	},
	{
		key: "failures",
		label: "Failed",
		number: true,
		cell: (row) => count(row.failures),
	},
	{
		key: "ttft_p50_us",
		label: "First byte, p50",
		number: true,
		cell: (row) => measured(row.ttft_p50_us),
	},
	{
		key: "total_p95_us",
		label: "Whole, p95",
		number: true,
		cell: (row) => measured(row.total_p95_us),
	},
];

async function targets(again) {
	const rows = await ask("targets");
	const change = may("targets/disable", "POST");
	return section(
		"Targets",
		"as this node knows them by use",
		table({
			caption: "Targets",
			rows,
			columns: [
				{ key: "target", label: "Target" },
				{ key: "state", label: "State", cell: state },
				{
					key: "why",
					label: "Why",
					cell: (row) => [
						row.why || row.backoff,
						row.disabled_by && ` (${row.disabled_by})`,
						row.disabled_until && ` until ${when(row.disabled_until)}`,
					],
					wide: true,
				},
				{
					key: "groups",
					label: "Groups",
					wide: true,
					fixed: true,
					cell: (row) => row.groups.join(", "),
				},
				...used,
				...(change
					? [
							{
								key: "change",
								label: h("span", { class: "unseen" }, "Change"),
								fixed: true,
								cell: (row) =>
									row.state === "ok"
										? h(
												"button",
												{
													type: "button",
													class: "quiet",
													"data-key": `disable-${row.target}`,
													"aria-label": `Disable ${row.target}`,
													"on:click": () => disable(row.target, again),
												},
												"Disable",
											)
										: h(
												"button",
												{
													type: "button",
													class: "quiet",
													"data-key": `enable-${row.target}`,
													"aria-label": `Enable ${row.target}`,
													"on:click": () =>
														send("POST", "targets/enable", {
															target: row.target,
														}).then(again),
												},
												"Enable",
											),
							},
						]
					: []),
			],
		}),
	);
}

async function accounts() {
	return section(
		"Targets",
		"as this egress knows its accounts and their models by use",
		table({
			caption: "Targets",
			rows: (await ask("targets")).map((row) => ({
				...row,
				target: [row.account, row.model].filter(Boolean).join("/"),
			})),
			none: "No accounts.",
			columns: [
				{ key: "target", label: "Account or target" },
				{ key: "state", label: "State", cell: state },
				{
					key: "backoff",
					label: "Why",
					wide: true,
					cell: (row) => [
						row.backoff?.replaceAll("-", " "),
						row.by_account && " (its whole account)",
						row.until && ` until ${when(row.until)}`,
					],
				},
				...used,
			],
		}),
	);
}

const part = (title, bring) => bring().catch((error) => section(title, failed(error)));

export function show(place) {
	const now = live(async () => {
		const parts = [part("This member", () => member(now.again))];
		if (may("links")) parts.push(part("Links", links));
		if (may("targets"))
			parts.push(
				part("Targets", () => (who().role === "node" ? targets(now.again) : accounts())),
			);
		return h("div", { class: "stack" }, ...(await Promise.all(parts)));
	}, 10);

	put(
		place,
		head("Mesh", "This member, its links and what is behind them", now.toggle),
		now.place,
	);
	return now.stop;
}
