// sections: the pages there are, in the order of the menu; what each has to be
// allowed to ask for, and which roles are.
import { may, who } from "./server.js";

const REPORT = "report-admin",
	OPERATOR = "operator",
	TOKENS = "token-admin";

const SECTIONS = [
	{ name: "overview", title: "Overview", icon: "overview", any: [] },
	{
		name: "spend",
		title: "Spend and savings",
		icon: "spend",
		any: ["report"],
		roles: [REPORT],
	},
	{
		name: "comparison",
		title: "Fixed and routed",
		icon: "comparison",
		any: ["report"],
		roles: [REPORT],
		only: "node",
	},
	{
		name: "performance",
		title: "Performance",
		icon: "performance",
		any: ["report"],
		roles: [REPORT],
	},
	{ name: "requests", title: "Requests", icon: "requests", any: ["requests"], roles: [REPORT] },
	{
		name: "request",
		title: "Request",
		parent: "requests",
		any: ["explain/"],
		roles: [REPORT],
	},
	{
		name: "limits",
		title: "Limits and shaping",
		icon: "limits",
		any: ["limits", "capacity"],
		roles: [REPORT, OPERATOR],
	},
	{
		name: "decisions",
		title: "Decisions",
		icon: "decisions",
		any: ["groups"],
		roles: [OPERATOR],
		only: "node",
	},
	{
		name: "callers",
		title: "Callers and tokens",
		icon: "callers",
		any: ["tokens"],
		roles: [TOKENS],
		only: "node",
	},
	{ name: "mesh", title: "Mesh", icon: "mesh", any: ["links", "targets"], roles: [OPERATOR] },
	{
		name: "admins",
		title: "Admin tokens",
		icon: "admins",
		any: ["admin-tokens"],
		roles: [TOKENS],
	},
	{ name: "audit", title: "Audit", icon: "audit", any: ["audit"], roles: [OPERATOR] },
];

export const find = (name) => SECTIONS.find((section) => section.name === name);

const isHere = (section) => !section.only || section.only === who().role;

export const allowed = (section) =>
	isHere(section) && (section.any.length === 0 || section.any.some((path) => may(path)));

// Why not, to who came by a link.
export function refusal(section) {
	const { name, role, roles } = who();
	if (!isHere(section))
		return `Only a ${section.only} has this page, and this is an ${role}.`;
	return (
		`It needs the role ${section.roles.join(" or ")}; your token "${name}" has ` +
		`${roles.join(", ") || "none"}. A token-admin who has that role, or who sits at the ` +
		"machine, makes a token with it."
	);
}

export const menu = () => SECTIONS.filter((section) => section.icon && allowed(section));
