// limits: who may use how much and has used what, what waits at which gate, and
// how provider accounts stand: as it is just now.
import { badge, card, cards, meter, section } from "../part/card.js";
import { h, put } from "../part/element.js";
import { filters } from "../part/filter.js";
import { head } from "../part/head.js";
import { live } from "../part/live.js";
import { count, duration, measured, NONE, tokens, until, usdText, when } from "../part/number.js";
import { state, word } from "../part/standing.js";
import { table } from "../part/table.js";
import { write } from "../route.js";
import { ask, may, who } from "../server.js";

const isMoney = (name) => name.endsWith("usd");
const amount = (name, value) =>
	isMoney(name) ? usdText(value) : name.includes("tokens") ? tokens(Number(value)) : count(value);
const holder = ({ level, name }) => [level, name].filter(Boolean).join(" ");

// One line a budget, the fullest first.
function budgets(holders) {
	const rows = holders.flatMap((one) =>
		one.budgets.map((budget) => ({
			holder: holder(one),
			...budget,
			part: Number(budget.limit) > 0 ? Number(budget.spent) / Number(budget.limit) : 1,
		})),
	);
	return section(
		"Budgets",
		"what is held is for requests under way",
		table({
			caption: "Budgets",
			rows: rows.sort((a, b) => b.part - a.part),
			none: "Nobody has a budget.",
			hint: "Budgets stand in the node file, for tiers, projects, users and the node.",
			columns: [
				{ key: "holder", label: "Whose" },
				{
					key: "name",
					label: "Budget",
					cell: (row) => row.name.replace("_", ", ").replace("usd", "USD"),
				},
				{
					key: "part",
					label: "Used",
					cell: (row) => meter(`${row.holder}, ${row.name}`, row.part, 1),
				},
				{
					key: "spent",
					label: "Spent",
					number: true,
					cell: (row) => amount(row.name, row.spent),
					sort: (row) => Number(row.spent),
				},
				{
					key: "held",
					label: "Held",
					number: true,
					cell: (row) => amount(row.name, row.held),
					sort: (row) => Number(row.held),
				},
				{
					key: "remaining",
					label: "Left",
					number: true,
					cell: (row) => amount(row.name, row.remaining),
					sort: (row) => Number(row.remaining),
				},
				{
					key: "limit",
					label: "Limit",
					number: true,
					cell: (row) => amount(row.name, row.limit),
					sort: (row) => Number(row.limit),
				},
				{
					key: "resets_at",
					label: "Begins anew",
					cell: (row) => (row.resets_at ? until(row.resets_at) : "never"),
				},
			],
		}),
	);
}

const left = (limit) => (limit ? `${tokens(limit.remaining)} of ${tokens(limit.limit)}` : NONE);

function holders(rows) {
	const names = ["rpm", "tpm", "concurrent"];
	const limited = names.map((name, i) => ({
		key: name,
		number: true,
		label: ["Left a minute", "Tokens left a minute", "Slots left"][i],
		cell: (row) => left(row.limits[name]),
		sort: (row) => row.limits[name]?.remaining,
	})).filter(({ key }) => rows.some((row) => row.limits[key]));
	return section(
		"Who used what",
		table({
			caption: "Holders of limits",
			rows,
			none: "Nobody is limited, and nobody spent anything.",
			columns: [
				{ key: "holder", label: "Who", cell: holder, sort: holder },
				{ key: "tier", label: "Tier" },
				{ key: "running", label: "Running", number: true },
				...limited,
				...["day", "month"].flatMap((span) => [
					{
						key: `${span}-requests`,
						label: `Requests, ${span}`,
						number: true,
						cell: (row) => count(row.spent[span].requests),
						sort: (row) => row.spent[span].requests,
					},
					{
						key: `${span}-tokens`,
						label: `Tokens, ${span}`,
						number: true,
						cell: (row) => tokens(row.spent[span].tokens),
						sort: (row) => row.spent[span].tokens,
					},
					{
						key: `${span}-usd`,
						label: `Spent, ${span}`,
						number: true,
						cell: (row) => usdText(row.spent[span].usd),
						sort: (row) => Number(row.spent[span].usd),
					},
				]),
			],
		}),
	);
}

const RATES = { rpm: "requests", tpm: "tokens", input_tpm: "input tokens", output_tpm: "output tokens" };
const rates = (all) =>
	Object.entries(all ?? {}).map(([name, { per_minute: rate, left: rest }]) =>
		h("div", {}, `${RATES[name] ?? name}: ${tokens(rest)} now, ${tokens(rate)} a minute`),
	);

function gates(rows) {
	return section(
		"Gates",
		"where bursts are smoothed: requests wait their turn here",
		table({
			caption: "Gates",
			rows,
			none: "Nothing is shaped.",
			hint: "Shaping stands in the node's and egress's files.",
			columns: [
				{
					key: "gate",
					label: "Gate",
					cell: (row) => [row.gate, row.model].filter(Boolean).join(", "),
				},
				{ key: "running", label: "Running", number: true },
				{
					key: "waiting",
					label: "Waiting",
					number: true,
					cell: (row) => (row.waiting ? badge(String(row.waiting), "warn") : "0"),
				},
				{
					key: "concurrent",
					label: "Most at once",
					number: true,
					cell: (row) => row.concurrent || NONE,
				},
				{
					key: "rates",
					label: "Room now",
					wide: true,
					fixed: true,
					cell: (row) => rates(row.rates),
				},
			],
		}),
	);
}

const room = (value) =>
	value === null || value === undefined ? NONE : tokens(value.left ?? value.remaining ?? value);

function accounts(rows) {
	return section(
		"Provider accounts",
		"shared by all nodes of this egress",
		table({
			caption: "Provider accounts",
			rows,
			columns: [
				{
					key: "account",
					label: "Account",
					cell: (row) => [row.account, row.model].filter(Boolean).join("/"),
					sort: (row) => `${row.account}/${row.model}`,
				},
				{ key: "state", label: "State", cell: state },
				{ key: "running", label: "Running", number: true },
				{ key: "waiting", label: "Waiting", number: true },
				...["rpm", "tpm", "input_tpm", "output_tpm"]
					.filter((key) => rows.some((row) => row[key]))
					.map((key) => ({
					key,
					label: `Room for ${RATES[key]}`,
					number: true,
					fixed: true,
					cell: (row) => room(row[key]),
					})),
				{
					key: "concurrent",
					label: "Most at once",
					number: true,
					cell: (row) => row.concurrent || NONE,
				},
				{
					key: "wait_us",
					label: "Backs off for",
					number: true,
					cell: (row) => (row.wait_us > 0 ? duration(row.wait_us) : NONE),
				},
			],
		}),
	);
}

const KINDS = ["traffic-shaped", "upstream-shaped"];

// Who had to wait or was sent away lately, and by what.
function shaped(rows) {
	return section(
		"Latest waits and refusals",
		"by shaping; a refusal tells the caller when to come again",
		table({
			caption: "Latest waits and refusals",
			rows,
			none: "Nobody had to wait.",
			columns: [
				{ key: "at", label: "When (UTC)", cell: (row) => when(row.at) },
				{ key: "outcome", label: "Outcome", cell: (row) => word(row.outcome) },
				{ key: "bucket", label: "By" },
				{ key: who().role === "node" ? "caller" : "team", label: who().role === "node" ? "Caller" : "Team" },
				{ key: "group", label: "Group" },
				...(rows.some((row) => row.target) ? [{ key: "target", label: "Target" }] : []),
				{
					key: "waited_us",
					label: "Waited",
					number: true,
					cell: (row) => measured(row.waited_us),
				},
				{
					key: "retry_us",
					label: "Told to wait",
					number: true,
					cell: (row) => measured(row.retry_us),
				},
				{
					key: "request",
					label: "Request",
					cell: (row) =>
						row.request && may("explain/")
							? h("a", { href: write("request", [row.request]) }, "open")
							: "",
				},
			],
		}),
	);
}

async function events() {
	const all = await Promise.all(KINDS.map((kind) => ask("events", { kind, limit: 20 })));
	return all
		.flat()
		.sort((a, b) => (a.at < b.at ? 1 : -1))
		.slice(0, 20);
}

async function bring(query) {
	const [limits, capacity, waits] = await Promise.all([
		may("limits")
			? ask("limits", query).catch((error) => {
					if (error.status === 404 && Object.values(query).some(Boolean))
						return { holders: [], gates: [] };
					throw error;
				})
			: null,
		may("capacity") ? ask("capacity") : null,
		may("events") && !Object.values(query).some(Boolean) ? events() : null,
	]);
	const all = limits?.holders ?? [];
	const waiting =
		(limits?.gates ?? []).reduce((sum, gate) => sum + gate.waiting, 0) +
		(capacity ?? [])
			.filter((account) => !account.model)
			.reduce((sum, account) => sum + account.waiting, 0);
	const full = all
		.flatMap((one) => one.budgets)
		.filter(
			(budget) =>
				Number(budget.limit) > 0 && Number(budget.remaining) <= 0.2 * Number(budget.limit),
		).length;
	const whole = all.find((one) => one.level === "node");
	return h(
		"div",
		{ class: "stack" },
		cards(
			card(
				"Running",
				count(
					whole?.running ??
						all.reduce((sum, one) => sum + (one.level === "team" ? one.running : 0), 0),
				),
			),
			card("Waiting at gates", count(waiting), { tone: waiting ? "warn" : "" }),
			card("Budgets nearly used", count(full), {
				note: "80 % and more",
				tone: full ? "warn" : "",
			}),
		),
		limits && budgets(all),
		capacity && accounts(capacity),
		limits && gates(limits.gates),
		waits && shaped(waits),
		limits && holders(all),
	);
}

export function show(place, route) {
	const names = who().role === "node" ? ["caller", "project", "user"] : ["team"];
	const query = Object.fromEntries(names.map((name) => [name, route.query.get(name)]));
	const now = live(() => bring(query), 10);

	put(
		place,
		head(
			"Limits and shaping",
			"Limits, budgets, gates and accounts as they are just now",
			now.toggle,
		),
		filters(
			route,
			names.map((name) => ({
				key: name,
				label: name[0].toUpperCase() + name.slice(1),
				hint: "all",
			})),
		),
		now.place,
	);
	return now.stop;
}
