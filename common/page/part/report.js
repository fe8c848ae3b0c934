// report: rows of /admin/report turned towards time: which row is when, and
// series of what they are grouped by.
import { ask, who } from "../server.js";

const OTHERS = "others";

// An egress has calls, not requests: there they are what is counted.
function evened(row, of) {
	return of === "attempts"
		? { ...row, requests: row.attempts, errors: row.failed_attempts }
		: row;
}

export async function report(query, signal) {
	const answer = await ask("report", query, signal);
	return {
		...answer,
		rows: answer.rows.map((row) => evened(row, answer.of)),
		total: evened(answer.total, answer.of),
	};
}

// A row's hour, day or month in seconds.
function when(row, by) {
	const text = String(row[by]);
	if (by === "month") return Date.parse(`${text.slice(0, 7)}-01T00:00:00Z`) / 1000;
	if (by === "day") return Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / 1000;
	return (
		Date.parse(
			/Z|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.slice(0, 13).replace(" ", "T")}:00:00Z`,
		) / 1000
	);
}

// Every hour or day that was asked for, until now: where nothing happened is a
// gap in the work, not in the axis.
function steps({ rows, from, to }, by) {
	const times = [...new Set(rows.map((row) => when(row, by)))].sort((a, b) => a - b);
	if (by === "month" || times.length === 0) return times;
	const step = by === "hour" ? 3600 : 86400;
	const first = Math.floor(Date.parse(from) / 1000 / step) * step;
	const end = Math.max(times.at(-1), Math.min(Date.parse(to), Date.now()) / 1000 - 1);
	const all = [];
	for (let at = first; at <= end && all.length < 5000; at += step) all.push(at);
	return all;
}

// What this member counts: an egress is not asked, it is called.
export const counted = () => (who().role === "node" ? "Requests" : "Calls");

// { x, series: [{ label, values }] }, the largest first, the rest as one.
export function overTime(answer, by, dimension, field, most = 6) {
	const { rows } = answer;
	const x = steps(answer, by);
	const at = new Map(x.map((time, i) => [time, i]));
	const sums = new Map();
	for (const row of rows) {
		const label = dimension ? String(row[dimension] || "(none)") : field;
		sums.set(label, (sums.get(label) ?? 0) + Number(row[field] ?? 0));
	}
	const largest = [...sums]
		.sort((a, b) => b[1] - a[1])
		.filter(([, sum], i) => sum > 0 || i === 0)
		.map(([label]) => label);
	const kept = largest.slice(0, largest.length > most + 1 ? most : most + 1);
	const labels = kept.length < largest.length ? [...kept, OTHERS] : kept;
	const series = labels.map((label) => ({ label, values: x.map(() => 0) }));
	for (const row of rows) {
		const label = dimension ? String(row[dimension] || "(none)") : field;
		const one = series[labels.indexOf(label)] ?? (labels.at(-1) === OTHERS && series.at(-1));
		if (one) one.values[at.get(when(row, by))] += Number(row[field] ?? 0);
	}
	return { x, series };
}

// Fields side by side, where nothing happened null: percentiles do not add up.
export function fields(answer, by, named) {
	const x = steps(answer, by);
	const of = new Map(answer.rows.map((row) => [when(row, by), row]));
	return {
		x,
		series: named.map(([field, label]) => ({
			label,
			values: x.map((at) => {
				const row = of.get(at);
				if (!row) return null;
				return typeof field === "function" ? field(row) : row[field] || null;
			}),
		})),
	};
}
