// mesh: this member, its links to others, and the targets behind them; taking a
// target out of use and bringing it back.
import { badge, facts, section } from "../part/card.js";
import { ask as confirm } from "../part/dialog.js";
import { h, put } from "../part/element.js";
import { head } from "../part/head.js";
import { live } from "../part/live.js";
import { failed } from "../part/notice.js";
import { count, measured, time } from "../part/number.js";
import { state, word } from "../part/standing.js";
import { table } from "../part/table.js";
import { ask, may, send, who } from "../server.js";

const HOURS = [["", "until it is enabled"], ["0.5", "for half an hour"], ["4", "for four hours"], ["24", "for a day"]];

async function member() {
	const [version, ready] = await Promise.all([ask("../version"), fetch("/readyz").then((answer) => answer.text())]);
	return section("This member", facts([
		["Name", version.member], ["Mesh", version.mesh], ["Role", who().role], ["Version", version.version],
		["State", ready.trim() === "ready" ? badge("ready", "good") : badge(ready.trim(), "warn")],
		["Topology", h("code", {}, version.topology)], ["Version of mesh.yaml", version.mesh_version],
		["Version of its file", version.node_version || null],
	]));
}

// Whatever a link is told with, each column once.
const TITLES = { peer: "Member", name: "Member", state: "State", address: "Address", since: "Since (UTC)", rtt_us: "Round trip" };
const isTime = (text) => typeof text === "string" && /^\d{4}-\d\d-\d\dT/.test(text);

function shown(key, value) {
	if (value === null || value === undefined || value === "") return "";
	if (key === "state") return word(value);
	if (key.endsWith("_us")) return measured(value);
	if (isTime(value)) return time(value);
	if (Array.isArray(value)) return value.join(", ");
	if (typeof value === "object") return JSON.stringify(value);
	return typeof value === "number" ? count(value) : String(value);
}

async function links() {
	const answer = await ask("links");
	const rows = Array.isArray(answer) ? answer : answer.links;
	const keys = [...new Set(rows.flatMap(Object.keys))];
	return section("Links", who().role === "node" ? "to the egresses it reaches providers through" : "of the nodes that it serves",
		table({ caption: "Links", rows, none: "No links.", hint: "A node without parents calls its own upstreams only.",
			columns: keys.map((key) => ({ key, label: TITLES[key] ?? key.replace(/_us$/, "").replaceAll("_", " "),
				number: rows.some((row) => typeof row[key] === "number"), cell: (row) => shown(key, row[key]) })) }));
}

async function disable(target, again) {
	const done = await confirm(`Take ${target} out of use?`, [
		h("p", {}, "Requests go to the other targets of its groups."),
		h("label", {}, "Why", h("small", {}, "kept with the event, for your colleagues"), h("input", { name: "why", maxlength: 200, autocomplete: "off" })),
		h("label", {}, "For how long", h("select", { name: "hours" }, ...HOURS.map(([value, text]) => h("option", { value }, text)))),
	], "Disable", (form) => send("POST", "targets/disable", { target, why: form.get("why"),
		for_ms: Math.round(Number(form.get("hours")) * 3600e3) }), "danger");
	if (done !== null) again();
}

async function targets(again) {
	const rows = await ask("targets");
	const change = may("targets/disable", "POST");
	return section("Targets", "as this node knows them by use", table({ caption: "Targets", rows, columns: [
		{ key: "target", label: "Target" },
		{ key: "state", label: "State", cell: state },
		{ key: "why", label: "Why", cell: (row) => [row.why || row.backoff, row.disabled_until && ` until ${time(row.disabled_until)}`], wide: true },
		{ key: "groups", label: "Groups", wide: true, fixed: true, cell: (row) => row.groups.map((name) => [badge(name), " "]) },
		{ key: "attempts", label: "Attempts", number: true, cell: (row) => count(row.attempts) },
		{ key: "failures", label: "Failed", number: true, cell: (row) => count(row.failures) },
		{ key: "ttft_p50_us", label: "First byte, p50", number: true, cell: (row) => measured(row.ttft_p50_us) },
		{ key: "total_p95_us", label: "Whole, p95", number: true, cell: (row) => measured(row.total_p95_us) },
		...(change ? [{ key: "change", label: h("span", { class: "unseen" }, "Change"), fixed: true, cell: (row) => row.state === "ok"
			? h("button", { type: "button", class: "quiet", "data-key": `disable-${row.target}`, "aria-label": `Disable ${row.target}`, "on:click": () => disable(row.target, again) }, "Disable")
			: h("button", { type: "button", class: "quiet", "data-key": `enable-${row.target}`, "aria-label": `Enable ${row.target}`,
				"on:click": () => send("POST", "targets/enable", { target: row.target }).then(again) }, "Enable") }] : []),
	] }));
}

const told = (title, bring) => bring().catch((error) => section(title, failed(error)));

export function show(place) {
	const now = live(async () => {
		const parts = [told("This member", member)];
		if (may("links")) parts.push(told("Links", links));
		if (may("targets")) parts.push(told("Targets", () => targets(now.again)));
		return h("div", { class: "stack" }, ...await Promise.all(parts));
	}, 10);

	put(place, head("Mesh", "This member, its links and what is behind them", now.toggle), now.place);
	return now.stop;
}
