// chart: figures over time. The lines are drawn by uPlot; whoever cannot see
// them has the figures as a table below.
import { h, put } from "./element.js";
import { table } from "./table.js";
import { time } from "./number.js";

const SERIES_MAX = 7;
const library = () => import("../uplot/uplot.js").then((module) => module.default);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const shade = (i) => colour(`--series-${(i % SERIES_MAX) + 1}`);

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

// Sizes are of the page's type, which grows with the screen.
const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const height = () => Math.round(17 * rem());

function options(wish, width, uPlot) {
	const { series, format, kind, hour } = wish;
	const axis = {
		stroke: colour("--faint"),
		grid: { stroke: colour("--line"), width: 1 },
		ticks: { show: false },
		font: `${Math.round(0.86 * rem())}px system-ui, sans-serif`,
	};
	const bars = kind === "stack" ? uPlot.paths.bars({ size: [0.7, 48], radius: 0.1 }) : undefined;
	const shown = (self, value, at, index) =>
		index === null || index === undefined ? "–" : format(series[at - 1].values[index]);
	return {
		width,
		height: height(),
		tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
		cursor: { y: false, points: { size: 7 } },
		legend: { live: true },
		scales: {
			x: { time: true, range: wish.range },
			y: { range: (self, low, high) => [0, high > 0 ? high * 1.08 : 1] },
		},
		axes: [
			{
				...axis,
				grid: { show: false },
				space: 4.6 * rem(),
				values: (self, ticks) => ticks.map((at, i) => mark(at, ticks[i - 1])),
			},
			{
				...axis,
				size: Math.round(5.1 * rem()),
				values: (self, ticks) => ticks.map((tick) => format(tick)),
			},
		],
		series: [
			{
				label: "UTC",
				value: (self, at) => (at ? time(at * 1000).slice(0, hour ? 16 : 10) : "–"),
			},
			...series.map((one, i) => ({
				label: one.label,
				value: shown,
				stroke: shade(i),
				width: kind === "stack" ? 0 : 2,
				fill: kind === "stack" ? shade(i) : undefined,
				paths: bars,
				points: { show: kind !== "stack" && isSparse(one.values) },
			})),
		],
	};
}

// A line needs two neighbours; without any there are dots.
const isSparse = (values) =>
	!values.some((value, i) => value !== null && values[i + 1] !== null && i + 1 < values.length);

// Bars that stand on each other are drawn from the highest sum to the lowest.
function drawn({ x, series, kind }) {
	if (kind !== "stack") return { values: series.map((one) => one.values), order: series };
	return { values: stacked(series).reverse(), order: [...series].reverse() };
}

// wish: { title, x (seconds), series: [{ label, values }], format, kind: line or
// stack, hour: is time that fine }
export function chart(wish) {
	const place = h("div", { class: "plot", "aria-hidden": "true" });
	const { x, series, format, title } = wish;
	const { values, order } = drawn(wish);
	const step = wish.hour ? 3600 : 86400;
	const range = [x[0] - step / 2, x[x.length - 1] + step / 2];
	let plot = null,
		watch = null;

	async function draw() {
		const uPlot = await library();
		if (!place.isConnected) return;
		plot?.destroy();
		const wished = { ...wish, series: order, range: () => range };
		const made = options(wished, place.clientWidth, uPlot);
		// A stack's colours are by its series' place from the bottom.
		if (wish.kind === "stack")
			made.series.slice(1).forEach((one, i) => {
				one.stroke = one.fill = shade(order.length - 1 - i);
			});
		plot = new uPlot(made, [x, ...values], put(place));
		watch ??= new ResizeObserver(() =>
			plot.setSize({ width: place.clientWidth, height: height() }),
		);
		watch.observe(place);
	}
	const again = () => (place.isConnected ? draw() : removeEventListener("gsr-theme", again));

	addEventListener("gsr-theme", again);
	queueMicrotask(() => requestAnimationFrame(draw));
	return h(
		"figure",
		{ class: "chart" },
		h("figcaption", {}, title),
		place,
		h(
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
						cell: (row) => time(row.at * 1000).slice(0, wish.hour ? 16 : 10),
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
		),
	);
}
