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

// "where" of the report's query, out of the address.
export const where = (route) =>
	NARROWED.filter(([key]) => route.query.get(key))
		.map(([key]) => `${key}:${route.query.get(key)}`)
		.join(",");

// Targets that a node has, for choosing one; null where that may not be asked.
export async function choices() {
	if (who().role !== "node" || !may("groups")) return null;
	try {
		const { groups } = await ask("groups");
		return [
			...new Set(groups.flatMap((group) => group.targets.map((target) => target.target))),
		].sort();
	} catch {
		return null;
	}
}
