// dimension: what reports are grouped and narrowed by.
import { ask, may, who } from "../server.js";

export const DIMENSIONS = [
	["group", "Group"],
	["target", "Target"],
	["provider", "Provider"],
	["model", "Model"],
	["caller", "Caller"],
	["user", "User"],
	["project", "Project"],
	["team", "Team"],
	["cost_center", "Cost center"],
	["environment", "Environment"],
	["region", "Region"],
	["strategy", "Strategy"],
	["client", "Client"],
	["dialect", "Dialect"],
	["fail", "Error"],
];

const NARROWED = [
	["group", "Group"],
	["target", "Target"],
	["caller", "Caller"],
	["project", "Project"],
	["team", "Team"],
];

export const WHERE = NARROWED.map(([key, label]) => ({ key, label, hint: "all" }));

export const NARROWED_BESIDE_GROUP = NARROWED.filter(([key]) => key !== "group");

// "where" of the report's query, out of the address.
export const where = (route, keys = NARROWED) =>
	keys
		.filter(([key]) => route.query.get(key))
		.map(([key]) => `${key}:${route.query.get(key)}`)
		.join(",");

// The groups of a node; null where that may not be asked.
export async function groups() {
	if (who().role !== "node" || !may("groups")) return null;
	try {
		return (await ask("groups")).groups;
	} catch {
		return null;
	}
}

// Their targets, for choosing one.
export async function choices() {
	const all = await groups();
	return (
		all &&
		[...new Set(all.flatMap(({ targets }) => targets.map(({ target }) => target)))].sort()
	);
}
