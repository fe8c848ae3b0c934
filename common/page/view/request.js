// request: all that is known of one: what it came to, why its targets were tried
// in that order, each attempt, and the receipts that prove them.
import { card, cards, facts, section } from "../part/card.js";
import { candidates, decided, decider } from "../part/decision.js";
import { h, put } from "../part/element.js";
import { exported } from "../part/export.js";
import { head } from "../part/head.js";
import { fill } from "../part/notice.js";
import { bytes, count, duration, measured, time, tokens, usd } from "../part/number.js";
import { outcome, word } from "../part/standing.js";
import { table } from "../part/table.js";
import { write } from "../route.js";
import { address, ask, who } from "../server.js";
import { FAILS } from "../words.js";

const code = (text) => text && h("code", {}, text);
const list = (text) => text?.replaceAll(",", ", ");

function summary(request) {
	const input = request.input_tokens + request.cache_read_tokens + request.cache_write_tokens;
	return h(
		"div",
		{ class: "stack" },
		cards(
			card("Outcome", request.state === "open" ? "under way" : count(request.status), {
				note: request.fail ? `${request.fail}, in step ${request.step}` : request.state,
				tone: request.fail && request.status !== 499 ? "bad" : "",
			}),
			card("Cost", usd(request.cost_microusd), {
				note: `counted by ${request.usage_source}`,
			}),
			card("Tokens", tokens(input + request.output_tokens + request.reasoning_tokens), {
				note: `${count(input)} in, ${count(request.output_tokens + request.reasoning_tokens)} out`,
			}),
			card("First byte", measured(request.first_byte_us), {
				note: `whole ${measured(request.total_us)}`,
			}),
			card("Attempts", count(request.attempts), { note: request.target }),
		),
		request.fail &&
			h(
				"div",
				{ class: "notice start" },
				h("b", {}, request.fail.replaceAll("-", " ")),
				h("p", {}, FAILS[request.fail] ?? ""),
				request.bucket && h("p", {}, "It was: ", code(request.bucket)),
			),
		section(
			"Request",
			facts([
				["Received (UTC)", time(request.received_at)],
				["Caller", request.caller],
				["User", request.user],
				["Project", request.project],
				["Client's own id", code(request.client_id)],
				["Environment", request.environment],
				["Program", request.client],
				["Tags", list(request.tags)],
				["Dialect", request.dialect],
				["Operation", request.operation],
				["Group", request.group],
				["Strategy", request.strategy],
				["Target", request.target],
				["Region", request.region],
				["Way", request.path?.replaceAll(">", " → ")],
				["Stream", request.stream ? "yes" : "no"],
				["Waited in a queue", request.queued_us > 0 && duration(request.queued_us)],
				["Bucket", request.bucket],
				["Left out for the target", list(request.dropped)],
				["Input, not cached", count(request.input_tokens)],
				[
					"Read from a cache",
					request.cache_read_tokens && count(request.cache_read_tokens),
				],
				[
					"Written to a cache",
					request.cache_write_tokens && count(request.cache_write_tokens),
				],
				["Output", count(request.output_tokens)],
				["Searches", request.web_searches && count(request.web_searches)],
				["Reasoning", request.reasoning_tokens && count(request.reasoning_tokens)],
				[
					"Estimated beforehand",
					request.estimated_tokens && `${count(request.estimated_tokens)} input tokens`,
				],
				["Body", bytes(request.body_bytes)],
				["Answer", bytes(request.answer_bytes)],
				["Price book", code(request.price_book)],
				["Topology", code(request.topology)],
			]),
		),
	);
}

// An egress has no request, only the calls for one: whose it was.
const calledFor = (attempt) =>
	section(
		"Called for",
		facts([
			["Started (UTC)", time(attempt.started_at)],
			["Node", attempt.origin],
			["Team", attempt.team],
			["Cost center", attempt.cost_center],
			["Caller, by its pseudonym", code(attempt.caller)],
			["User", attempt.user],
			["Project", attempt.project],
			["Group", attempt.group],
			["Dialect", attempt.dialect],
			["Region", attempt.region],
			["Waited for capacity", attempt.queued_us > 0 && duration(attempt.queued_us)],
			["Counted by", attempt.usage_source],
			["Price book", code(attempt.price_book)],
			["Topology", code(attempt.topology)],
		]),
	);

// Where each attempt stands in the request's time.
function waterfall(request, attempts) {
	const times = attempts.map((attempt) => Date.parse(attempt.started_at) * 1000);
	const start = request ? Date.parse(request.received_at) * 1000 : Math.min(...times);
	const whole = Math.max(
		1,
		...attempts.map((attempt, i) => times[i] - start + attempt.total_us),
		request?.total_us ?? 0,
	);
	const bar = (kind, from, length) => {
		const made = h("span", { class: `span ${kind}` });
		made.style.setProperty("left", `${Math.min(99.5, (100 * from) / whole)}%`);
		made.style.setProperty("width", `${Math.max(0, (100 * length) / whole)}%`);
		return made;
	};
	return h(
		"ol",
		{ class: "waterfall" },
		...attempts.map((attempt, i) => {
			const from = Math.max(0, times[i] - start);
			return h(
				"li",
				{ class: attempt.fail ? "bad" : null },
				h("span", {}, `${attempt.number}. ${attempt.target}`),
				h(
					"span",
					{ class: "track", "aria-hidden": "true" },
					bar("first", from, attempt.first_byte_us || attempt.total_us),
					attempt.first_byte_us > 0 &&
						bar(
							"",
							from + attempt.first_byte_us,
							attempt.total_us - attempt.first_byte_us,
						),
				),
				h("span", { class: "took number" }, measured(attempt.total_us)),
			);
		}),
	);
}

function attempts(request, all) {
	return section(
		"Attempts",
		"pale until the first byte, then until the last",
		waterfall(request, all),
		table({
			caption: "Attempts",
			rows: all,
			columns: [
				{ key: "number", label: "No.", number: true },
				{ key: "target", label: "Target" },
				{ key: "egress", label: "Through", cell: (row) => row.egress || "this node" },
				{ key: "status", label: "Outcome", cell: outcome },
				{
					key: "after",
					label: "Because of",
					cell: (row) =>
						row.after ? `${row.after}${row.again ? ", once more" : ""}` : "",
				},
				...(all.some((row) => row.receipt && row.receipt !== "none")
					? [
							{
								key: "receipt",
								label: "Receipt",
								cell: (row) =>
									row.receipt && row.receipt !== "none" ? word(row.receipt) : "",
							},
						]
					: []),
				{
					key: "input_tokens",
					label: "Input",
					number: true,
					cell: (row) =>
						tokens(row.input_tokens + row.cache_read_tokens + row.cache_write_tokens),
				},
				{
					key: "output_tokens",
					label: "Output",
					number: true,
					cell: (row) => tokens(row.output_tokens + row.reasoning_tokens),
				},
				{
					key: "cost_microusd",
					label: "Cost",
					number: true,
					cell: (row) => usd(row.cost_microusd),
				},
				{
					key: "first_byte_us",
					label: "First byte",
					number: true,
					cell: (row) => measured(row.first_byte_us),
				},
				{
					key: "total_us",
					label: "Whole",
					number: true,
					cell: (row) => measured(row.total_us),
				},
			],
		}),
	);
}

const decision = (told) =>
	section("Why this order", decider(told), decided(told), candidates(told));

// What was made of a receipt when it came, by the node that it is for.
const CHECKED = {
	verified: "signature, place in the chain and figures were right when it came",
	late: "right, but it came after the attempt was settled without it",
	mismatch: "it is signed, and does not say what this node saw",
	none: "it has not come, or was not right",
};

function receipts(all, attempts) {
	const state = (receipt) =>
		who().role === "node"
			? (attempts.find(({ number }) => number === receipt.attempt)?.receipt ?? "none")
			: null;
	const about = (receipt) => {
		const checked = state(receipt);
		return facts([
			["Attempt", count(receipt.attempt)],
			["Signed by", receipt.egress],
			["Verification", checked && [word(checked), " ", h("small", {}, CHECKED[checked])], "long"],
			["Number in its chain", count(receipt.seq)],
			["State", word(receipt.state)],
			["Cost", usd(receipt.cost_microusd)],
			["As the provider stated it", receipt.provider_cost && `$${receipt.provider_cost}`],
			["Input, not cached", count(receipt.input_tokens)],
			["Output", count(receipt.output_tokens)],
			["Counted by", receipt.usage_source],
			["Chain", code(receipt.chain), "long"],
			["Answer's hash", code(receipt.answer_hash), "long"],
			["Receipt before", code(receipt.previous), "long"],
			[
				"The provider's own figures",
				receipt.provider_usage
					.split(" ")
					.filter((pair) => !pair.endsWith("=0"))
					.join(", "),
				"long",
			],
		]);
	};
	return section(
		all.length > 1 ? "Receipts" : "Receipt",
		"signed by the egress that called; each names the hash of the one before it",
		...all.map(about),
	);
}

async function bring(id, title) {
	const told = await ask(`explain/${id}`);
	const all = told.attempts ?? [];
	const full = told.request?.id ?? all[0]?.request ?? id;
	put(
		title,
		head(
			"Request",
			code(full),
			h("a", { href: write("requests") }, "All requests"),
			exported([
				["JSON", address(`explain/${full}`, { format: "json" }), `${full}.json`],
				["Text", address(`explain/${full}`), `${full}.txt`],
			]),
		),
	);
	return h(
		"div",
		{ class: "stack" },
		told.request && summary(told.request),
		!told.request && all.length > 0 && calledFor(all[0]),
		all.length > 0 && attempts(told.request, all),
		told.decision && decision(told.decision),
		told.receipts?.length > 0 && receipts(told.receipts, all),
	);
}

export function show(place, route) {
	const title = h("div"),
		body = h("div");

	put(
		place,
		put(
			title,
			head("Request", route.rest[0], h("a", { href: write("requests") }, "All requests")),
		),
		body,
	);
	fill(body, () => bring(route.rest[0] ?? "last", title), 8);
}
