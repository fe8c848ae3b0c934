// table: rows that can be sorted, with a head that stays in sight.
import { h, put } from "./element.js";
import { empty } from "./notice.js";

const LONG = 34; // characters of a name that is cut, and told whole when pointed at

// Numbers by size, texts by letters, what is not there last.
function order(column, up) {
	const key = column.sort ?? ((row) => row[column.key]);
	return (a, b) => {
		const [x, y] = [key(a), key(b)];
		const none = (value) => value === null || value === undefined || value === "";
		if (none(x) || none(y)) return none(x) - none(y);
		const by =
			typeof x === "number" && typeof y === "number"
				? x - y
				: String(x).localeCompare(String(y));
		return up ? by : -by;
	};
}

const cellOf = (column, row) => (column.cell ? column.cell(row) : row[column.key]) ?? "";

function line(columns, row, open) {
	const made = h(
		"tr",
		{},
		...columns.map((column, i) => {
			const told = cellOf(column, row);
			const long =
				typeof told === "string" && !column.wide && !column.number && told.length > LONG;
			const kind = [
				column.number && "number",
				column.wide && "wide",
				column.key === "change" && "change",
				long && "name",
			]
				.filter(Boolean)
				.join(" ");
			return h(
				i === 0 ? "th" : "td",
				{
					class: kind || null,
					scope: i === 0 ? "row" : null,
					title: long ? told : null,
				},
				i === 0 && open ? h("a", { href: open(row) }, told) : told,
			);
		}),
	);
	// The link is what keys reach; the rest of the row is for the mouse.
	if (open) {
		made.className = "open";
		made.addEventListener("click", (event) => {
			if (!event.target.closest("a, button") && !String(getSelection()))
				location.hash = open(row);
		});
	}
	return made;
}

// columns: { key, label, number, cell, sort, fixed }; `open` gives a row's link,
// `total` is a row below the others.
export function table({
	caption,
	columns,
	rows,
	total,
	open,
	none = "Nothing here yet.",
	hint,
	sorted,
}) {
	if (rows.length === 0) return empty(none, hint);
	const body = h("tbody");
	const heads = columns.map((column) => {
		if (column.fixed)
			return h(
				"th",
				{ scope: "col", class: column.number ? "number" : column.key === "change" && "change" },
				column.label,
			);
		return h(
			"th",
			{ scope: "col", class: column.number && "number" },
			h("button", { type: "button", "on:click": () => sort(column) }, column.label),
		);
	});
	let now = { key: null, up: true };

	function sort(column, up) {
		now = { key: column.key, up: up ?? (now.key === column.key ? !now.up : !column.number) };
		heads.forEach((head, i) => {
			if (columns[i] === column)
				head.setAttribute("aria-sort", now.up ? "ascending" : "descending");
			else head.removeAttribute("aria-sort");
		});
		put(
			body,
			[...rows].sort(order(column, now.up)).map((row) => line(columns, row, open)),
		);
	}

	const first = sorted && columns.find((column) => column.key === sorted);
	if (first) sort(first);
	else
		put(
			body,
			rows.map((row) => line(columns, row, open)),
		);
	return h(
		"div",
		{ class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
		h(
			"table",
			{},
			h("caption", { class: "unseen" }, caption),
			h("thead", {}, h("tr", {}, ...heads)),
			body,
			total && h("tfoot", {}, line(columns, total)),
		),
	);
}
