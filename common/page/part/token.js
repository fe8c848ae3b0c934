// token: what forms for tokens, and lists of them, have alike.
import { h } from "./element.js";

const DAYS = [
	["", "never"],
	["7", "after 7 days"],
	["30", "after 30 days"],
	["90", "after 90 days"],
	["365", "after a year"],
];

export function field(label, attributes, note) {
	return h(
		"label",
		{},
		label,
		note && h("small", {}, note),
		h("input", { autocomplete: "off", spellcheck: "false", ...attributes }),
	);
}

export const expiry = () =>
	h(
		"label",
		{},
		"Expires",
		h("select", { name: "days" }, ...DAYS.map(([value, text]) => h("option", { value }, text))),
	);

// A column with what takes a token out of force.
export const revoking = (revoke) => ({
	key: "change",
	label: h("span", { class: "unseen" }, "Change"),
	fixed: true,
	cell: (row) =>
		row.state === "active" &&
		h(
			"button",
			{
				type: "button",
				class: "quiet danger",
				"aria-label": `Revoke ${row.name}`,
				"on:click": () => revoke(row),
			},
			"Revoke",
		),
});
