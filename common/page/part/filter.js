// filter: what a page is narrowed to. Each is in the address; what is chosen
// takes effect at once, and can be taken back by its own button.
import { changed, go } from "../route.js";
import { h } from "./element.js";

// fields: { key, label, options } or { key, label, kind, hint }
export function filters(route, fields) {
	const set = (key, value) => go(changed(route, { [key]: value.trim(), before: "" }));
	const field = ({ key, label, options, kind = "text", hint }) => {
		const value = route.query.get(key) ?? "";
		const id = `filter-${key}`;
		const listen = { "on:change": (event) => set(key, event.target.value), id, "data-key": id };
		const known = options?.map((option) => (Array.isArray(option) ? option : [option, option]));
		if (known && value && !known.some(([name]) => name === value)) known.push([value, value]);
		return h(
			"div",
			{ class: "field" },
			h("label", { for: id }, label),
			known
				? h(
						"select",
						listen,
						...known.map(([name, text]) =>
							h("option", { value: name, selected: name === value }, text),
						),
					)
				: h("input", {
						...listen,
						type: kind,
						value,
						placeholder: hint,
						autocomplete: "off",
						spellcheck: "false",
					}),
		);
	};
	const chosen = fields.filter(({ key, base = "" }) => (route.query.get(key) ?? base) !== base);
	return h(
		"form",
		{
			class: "filters",
			role: "search",
			"aria-label": "Filters",
			"on:submit": (event) => event.preventDefault(),
		},
		...fields.map(field),
		chosen.length > 0 &&
			h(
				"button",
				{
					type: "button",
					class: "quiet",
					"on:click": () =>
						go(
							changed(
								route,
								Object.fromEntries([
									...fields.map(({ key }) => [key, ""]),
									["before", ""],
								]),
							),
						),
				},
				"Clear filters",
			),
	);
}
