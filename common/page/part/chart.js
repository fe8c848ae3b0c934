// chart: figures over time. The lines are drawn by uPlot; the legend tells the
// figures under the pointer, and whoever sees no lines has them as a table.
import { h, put } from "./element.js";
import { table } from "./table.js";
import { time } from "./number.js";

const SERIES_MAX = 7;
const library = () => import("../uplot/uplot.js").then((module) => module.default);

// A canvas wants a colour itself, not the words that it is made by.
function colours(names) {
	const probe = document.body.appendChild(h("span", { hidden: true }));
	const found = names.map((name) => {
		probe.style.setProperty("color", `var(--${name})`);
		return getComputedStyle(probe).color;
	});
	probe.remove();
	return found;
}
const place = (i) => (i % SERIES_MAX) + 1;

// Sums of what is below, so that areas stand on each other.
function stacked(series) {
	const sums = series[0].values.map(() => 0);
	return series.map(({ values }) => values.map((value, i) => (sums[i] += value ?? 0)));
}

// 06:00, and where a day begins, its date.
function mark(at, before) {
	const [day, hour] = time(at * 1000).split(" ");
	const [was] = before ? time(before * 1000).split(" ") : [""];
	if (hour !== "00:00:00")
		return day === was ? hour.slice(0, 5) : `${hour.slice(0, 5)}\n${day.slice(5)}`;
	return day.slice(5);
}

// 1.50 s is 1.5 s at an axis, and 30.0 % is 30 %.
const short = (text) => text.replace(/(\.\d*?)0+(?= |$)/, "$1").replace(/\.(?= |$)/, "");

// Sizes are of the page's type, which grows with the screen.
const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const height = (width) => Math.round((width < 28 * rem() ? 13 : 16) * rem());

// A line needs two neighbours; what has none is a dot.
function alone(values) {
	const is = (i) => values[i] !== null && values[i] !== undefined;
	return values.map((_, i) => i).filter((i) => is(i) && !is(i - 1) && !is(i + 1));
}

function options(wish, width, uPlot, tell) {
	const { series, order, format, kind, axis: label, range } = wish;
	const [faint, line, ...shades] = colours([
		"faint",
		"line",
		...series.map((_, i) => `series-${place(i)}`),
	]);
	const axis = {
		stroke: faint,
		grid: { stroke: line, width: 1 },
		ticks: { show: false },
		font: `${Math.round(0.86 * rem())}px system-ui, sans-serif`,
	};
	const bars = kind === "stack" ? uPlot.paths.bars({ size: [0.7, 48], radius: 0.1 }) : undefined;
	return {
		width,
		height: height(width),
		tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
		cursor: { y: false, points: { size: 7 } },
		legend: { show: false },
		hooks: { setCursor: [(self) => tell(self.cursor.idx)] },
		scales: {
			x: { time: true, range: () => range },
			y: { range: (self, low, high) => [0, high > 0 ? high * 1.08 : 1] },
		},
		axes: [
			{
				...axis,
				grid: { show: false },
				size: Math.round(2.9 * rem()),
				space: 4.6 * rem(),
				values: (self, ticks) => ticks.map((at, i) => mark(at, ticks[i - 1])),
			},
			{
				...axis,
				size: (self, texts) =>
					Math.round((1 + 0.52 * Math.max(3, ...(texts ?? []).map((t) => t.length))) * rem()),
				values: (self, ticks) => label?.(ticks) ?? ticks.map((tick) => short(format(tick))),
			},
		],
		series: [
			{},
			...order.map((i) => ({
				stroke: shades[i],
				width: kind === "stack" ? 0 : 2,
				fill: kind === "stack" ? shades[i] : undefined,
				paths: bars,
				points: {
					show: kind !== "stack",
					size: 6,
					fill: shades[i],
					filter: kind === "stack" ? undefined : () => alone(series[i].values),
				},
			})),
		],
	};
}

// The figures at a time; where none is pointed at, sums of what can be summed.
function legend({ x, series, format, kind, hour }) {
	const at = h("li", { class: "at" });
	const figures = series.map(() => h("b"));
	const sum = (values) => values.reduce((all, value) => all + (value ?? 0), 0);
	const tell = (index) => {
		const here = index !== null && index !== undefined;
		at.textContent = here
			? `${time(x[index] * 1000).slice(0, hour ? 16 : 10)} UTC`
			: kind === "stack"
				? "In all"
				: "";
		series.forEach(({ values }, i) => {
			figures[i].textContent = here
				? format(values[index])
				: kind === "stack"
					? format(sum(values))
					: "";
		});
	};
	tell(null);
	return {
		tell,
		list: h(
			"ul",
			{ class: "legend", "aria-hidden": "true" },
			at,
			...series.map(({ label }, i) =>
				h("li", {}, h("i", { class: `series-${place(i)}` }), label, figures[i]),
			),
		),
	};
}

function figures({ title, x, series, format, hour }) {
	return h(
		"details",
		{},
		h("summary", {}, "The figures as a table"),
		table({
			caption: `${title}, as a table`,
			rows: x.map((at, i) => ({ at, i })),
			columns: [
				{
					key: "at",
					label: "UTC",
					cell: (row) => time(row.at * 1000).slice(0, hour ? 16 : 10),
				},
				...series.map((one, k) => ({
					key: `s${k}`,
					label: one.label,
					number: true,
					sort: (row) => one.values[row.i],
					cell: (row) => format(one.values[row.i]),
				})),
			],
		}),
	);
}

// wish: { title, x (seconds), series: [{ label, values }], format, axis: of its
// ticks, kind: line or stack, hour: is time that fine }
export function chart(wish) {
	const { x, series, kind, title } = wish;
	const canvas = h("div", { class: "plot", "aria-hidden": "true" });
	const { tell, list } = legend(wish);
	// Bars that stand on each other are drawn from the highest sum to the lowest.
	const order = series.map((_, i) => i);
	let values = series.map((one) => one.values);
	if (kind === "stack") {
		order.reverse();
		values = stacked(series).reverse();
	}
	const step = wish.hour ? 3600 : 86400;
	const range = [x[0] - step / 2, x[x.length - 1] + step / 2];
	let plot = null,
		watch = null;

	async function draw() {
		const uPlot = await library();
		if (!canvas.isConnected) return;
		plot?.destroy();
		const made = options({ ...wish, order, range }, canvas.clientWidth, uPlot, tell);
		plot = new uPlot(made, [x, ...values], put(canvas));
		watch ??= new ResizeObserver(() => {
			const width = canvas.clientWidth;
			if (width !== plot.width) plot.setSize({ width, height: height(width) });
		});
		watch.observe(canvas);
	}
	const again = () => (canvas.isConnected ? draw() : removeEventListener("gsr-theme", again));

	addEventListener("gsr-theme", again);
	queueMicrotask(() => requestAnimationFrame(draw));
	return h(
		"figure",
		{ class: "chart" },
		h("figcaption", {}, title),
		canvas,
		list,
		figures(wish),
	);
}
