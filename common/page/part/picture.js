// picture: members in columns and the links between them, as a drawing. Each
// tone is a colour and a kind of line; what it shows stands in a table, too.
import { h } from "./element.js";

const BOX = { width: 168, height: 46 };
const COLUMN = 292,
	ROW = 66,
	EDGE = 8;

function svg(tag, attributes = {}, ...inside) {
	const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const [name, value] of Object.entries(attributes))
		if (value !== undefined && value !== null) made.setAttribute(name, value);
	made.append(...inside.filter((one) => one !== null && one !== undefined));
	return made;
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function box({ title, note, tone, self, x, y }) {
	return svg(
		"g",
		{ class: `box ${tone ?? ""} ${self ? "self" : ""}`, transform: `translate(${x} ${y})` },
		svg("title", {}, [title, note].filter(Boolean).join(": ")),
		svg("rect", { ...BOX, rx: 9 }),
		svg("circle", { cx: 17, cy: BOX.height / 2, r: 5 }),
		svg("text", { x: 32, y: note ? 20 : 28, class: "title" }, cut(title, 19)),
		note ? svg("text", { x: 32, y: 36, class: "note" }, cut(note, 24)) : null,
	);
}

function edge(from, to, { tone, label }) {
	const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2];
	const [x2, y2] = [to.x, to.y + BOX.height / 2];
	const bend = (x2 - x1) / 2;
	return [
		svg("path", {
			class: `edge ${tone ?? ""}`,
			d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
		}),
		label
			? svg(
					"text",
					{ class: "on", x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 5, "text-anchor": "middle" },
					label,
				)
			: null,
	];
}

// columns: lists of { id, title, note, tone, self }, edges: { from, to, tone,
// label }, of neighbours from left to right; `told` is the picture in a line.
export function picture({ columns, edges, told }) {
	const most = Math.max(...columns.map((column) => column.length));
	const height = most * ROW - (ROW - BOX.height) + 2 * EDGE;
	const width = (columns.length - 1) * COLUMN + BOX.width + 2 * EDGE;
	const at = new Map();
	columns.forEach((column, i) =>
		column.forEach((one, k) =>
			at.set(one.id, {
				...one,
				x: EDGE + i * COLUMN,
				y: EDGE + (k + (most - column.length) / 2) * ROW,
			}),
		),
	);
	const lines = edges
		.filter(({ from, to }) => at.has(from) && at.has(to))
		.flatMap((one) => edge(at.get(one.from), at.get(one.to), one));
	return h(
		"div",
		{ class: "picture", role: "region", tabindex: "0", "aria-label": "Picture of the mesh" },
		svg(
			"svg",
			{ viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told, width, height },
			...lines.filter((one) => one?.tagName === "path"),
			...[...at.values()].map(box),
			...lines.filter((one) => one && one.tagName !== "path"),
		),
	);
}
