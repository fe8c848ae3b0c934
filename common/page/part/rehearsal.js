// rehearsal: what the node would do with a request just now, without doing it:
// no call, no row, no cost.
import { badge } from "./card.js";
import { candidates, decided } from "./decision.js";
import { ask, toldLarge } from "./dialog.js";
import { h } from "./element.js";
import { send } from "../server.js";

const DIALECTS = ["chat", "responses", "messages"];

// A body as it would come, or only its text.
function request(group, dialect, text) {
	if (text.trimStart().startsWith("{")) return { model: group, ...JSON.parse(text) };
	const body = { model: group };
	if (dialect === "responses") return { ...body, input: text };
	if (dialect === "messages") body.max_tokens = 1024;
	return { ...body, messages: [{ role: "user", content: text }] };
}

async function explain(group, form) {
	let body;
	try {
		body = request(group, form.get("dialect"), form.get("text"));
	} catch {
		throw new Error("This begins with { and is no JSON.");
	}
	const answer = await send("POST", "explain?format=json", {
		request: body,
		group,
		dialect: form.get("dialect"),
		caller: form.get("caller").trim() || undefined,
	});
	return JSON.parse(answer.replace(/"seed":(-?\d+)/g, '"seed":"$1"'));
}

function outcome(answer) {
	if (answer.fail)
		return h(
			"p",
			{},
			badge(answer.fail, "bad"),
			` ${answer.detail || "it would be refused"}`,
		);
	return h(
		"p",
		{},
		"It would be tried at ",
		...answer.order.flatMap((target, i) => [i > 0 && ", then ", h("b", {}, target)]),
		".",
	);
}

export async function rehearse(group) {
	const answer = await ask(
		`Try a request to ${group}`,
		[
			h("p", {}, "Nothing is called and nothing is written down: it is what would be done now."),
			h(
				"label",
				{},
				"Prompt, or a whole JSON body",
				h("textarea", { name: "text", rows: 5, required: true, maxlength: 200000 }, "hello"),
			),
			h(
				"div",
				{ class: "wide" },
				h(
					"label",
					{},
					"Dialect",
					h("select", { name: "dialect" }, ...DIALECTS.map((name) => h("option", {}, name))),
				),
				h(
					"label",
					{},
					"As which caller",
					h("input", { name: "caller", autocomplete: "off", placeholder: "nobody" }),
				),
			),
		],
		"Try",
		(form) => explain(group, form),
	);
	if (answer === null) return;
	await toldLarge(
		`What ${group} would do`,
		outcome(answer),
		...(answer.notes ?? []).map((note) => h("p", {}, h("small", {}, note))),
		answer.decision && decided(answer.decision),
		answer.decision && candidates(answer.decision),
	);
}
