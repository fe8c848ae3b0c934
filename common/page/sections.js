// sections: the pages there are, in the order of the menu, and what each has to
// be allowed to ask for.
import { may, who } from "./server.js";

const SECTIONS = [
	{
		name: "overview",
		title: "Overview",
		icon: "overview",
		any: ["report", "targets", "limits", "capacity", "events", "counters", "tokens", "audit"],
	},
	{ name: "spend", title: "Spend and savings", icon: "spend", any: ["report"] },
	{ name: "performance", title: "Performance", icon: "performance", any: ["report"] },
	{ name: "requests", title: "Requests", icon: "requests", any: ["requests"] },
	{ name: "request", title: "Request", parent: "requests", any: ["explain/"] },
	{ name: "limits", title: "Limits and capacity", icon: "limits", any: ["limits", "capacity"] },
	{
		name: "callers",
		title: "Callers and tokens",
		icon: "callers",
		any: ["tokens"],
		only: "node",
	},
	{ name: "mesh", title: "Mesh", icon: "mesh", any: ["links", "targets", "capacity"] },
	{ name: "audit", title: "Audit", icon: "audit", any: ["audit"] },
];

export const find = (name) => SECTIONS.find((section) => section.name === name);

export function allowed(section) {
	if (section.only && section.only !== who().role) return false;
	return section.any.some((path) => may(path));
}

export const menu = () => SECTIONS.filter((section) => section.icon && allowed(section));
