// head: the first line of a page: its name, what it is about, what one can do.
import { h } from "./element.js";

export function head(title, about, ...more) {
	return h(
		"div",
		{ class: "head" },
		h("div", {}, h("h1", { tabindex: "-1" }, title), about && h("p", {}, about)),
		h("div", { class: "actions" }, ...more),
	);
}
