// card: one figure with its name; and a part of a page with a heading.
import { h } from "./element.js";

export function card(name, figure, { note, tone, href } = {}) {
	return h(
		href ? "a" : "div",
		{ class: `card ${tone ?? ""}`, href },
		h("span", { class: "name" }, name),
		h("span", { class: "figure" }, figure),
		note && h("span", { class: "note" }, note),
	);
}

export const cards = (...all) => h("div", { class: "cards" }, ...all);

export function section(title, ...inside) {
	const [note, ...rest] = typeof inside[0] === "string" ? inside : [null, ...inside];
	return h(
		"section",
		{ class: "panel" },
		h("header", {}, h("h2", {}, title), note && h("p", {}, note)),
		...rest,
	);
}

// A name and what is true of it; what is empty or 0 is left out.
export function facts(pairs) {
	return h(
		"dl",
		{ class: "facts" },
		...pairs
			.filter(([, value]) => value && value !== "–")
			.map(([name, value, long]) =>
				h("div", { class: long && "long" }, h("dt", {}, name), h("dd", {}, value)),
			),
	);
}

// A word that stands out by its colour and is read without it.
export const badge = (text, tone = "") => h("span", { class: `badge ${tone}` }, text);

// How much of a whole is used.
export function meter(label, used, whole) {
	const part = whole > 0 ? Math.min(1, Math.max(0, used / whole)) : 0;
	const bar = h(
		"span",
		{
			class: `meter ${part >= 0.95 ? "bad" : part >= 0.8 ? "warn" : ""}`,
			role: "meter",
			"aria-label": label,
			"aria-valuemin": 0,
			"aria-valuemax": 100,
			"aria-valuenow": Math.round(part * 100),
		},
		h("span"),
	);
	bar.firstChild.style.setProperty("width", `${part * 100}%`);
	return bar;
}
