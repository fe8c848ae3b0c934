// report: rows of /admin/report turned towards time: which row is when, and
// series of what they are grouped by.
import { ask } from "../server.js";

const OTHERS = "others";

export const report = (query, signal) => ask("report", query, signal);

// A row's hour, day or month in seconds.
function when(row, by) {
	const text = String(row[by]);
	if (by === "month") return Date.parse(`${text.slice(0, 7)}-01T00:00:00Z`) / 1000;
	if (by === "day") return Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / 1000;
	return Date.parse(/Z|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.slice(0, 13).replace(" ", "T")}:00:00Z`) / 1000;
}

// Every step between the first and the last: where nothing happened is a gap in
// the work, not in the axis.
function steps(times, by) {
	if (by === "month" || times.length === 0) return times;
	const step = by === "hour" ? 3600 : 86400;
	const all = [];
	for (let at = times[0]; at <= times.at(-1) && all.length < 5000; at += step) all.push(at);
	return all;
}

// { x, series: [{ label, values }] }, the largest first, the rest as one.
export function overTime(rows, by, dimension, field, most = 6) {
	const x = steps([...new Set(rows.map((row) => when(row, by)))].sort((a, b) => a - b), by);
	const at = new Map(x.map((time, i) => [time, i]));
	const sums = new Map();
	for (const row of rows) {
		const label = dimension ? String(row[dimension] || "(none)") : field;
		sums.set(label, (sums.get(label) ?? 0) + Number(row[field] ?? 0));
	}
	const largest = [...sums].sort((a, b) => b[1] - a[1]).map(([label]) => label);
	const kept = largest.slice(0, largest.length > most + 1 ? most : most + 1);
	const labels = kept.length < largest.length ? [...kept, OTHERS] : kept;
	const series = labels.map((label) => ({ label, values: x.map(() => 0) }));
	for (const row of rows) {
		const label = dimension ? String(row[dimension] || "(none)") : field;
		const one = series[labels.indexOf(label)] ?? series.at(-1);
		one.values[at.get(when(row, by))] += Number(row[field] ?? 0);
	}
	return { x, series };
}

// Fields side by side, where nothing happened null: percentiles do not add up.
export function fields(rows, by, named) {
	const x = steps([...new Set(rows.map((row) => when(row, by)))].sort((a, b) => a - b), by);
	const of = new Map(rows.map((row) => [when(row, by), row]));
	return { x, series: named.map(([field, label]) => ({ label,
		values: x.map((at) => {
			const row = of.get(at);
			if (!row) return null;
			return typeof field === "function" ? field(row) : row[field] || null;
		}) })) };
}
