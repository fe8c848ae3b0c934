// number: figures as people read them. Money is micro-USD, time microseconds.
const LOCALE = "en-US";
const plain = new Intl.NumberFormat(LOCALE);
const dollars = (digits) =>
	new Intl.NumberFormat(LOCALE, {
		style: "currency",
		currency: "USD",
		minimumFractionDigits: digits,
		maximumFractionDigits: digits,
	});
const [cents, small, tiny] = [dollars(2), dollars(4), dollars(6)];
const NONE = "–";

const isNone = (value) => value === null || value === undefined || Number.isNaN(Number(value));

export const count = (value) => (isNone(value) ? NONE : plain.format(value));

// Small sums keep the digits that tell them apart.
export function usd(micro) {
	if (isNone(micro)) return NONE;
	const value = Number(micro) / 1e6;
	const size = Math.abs(value);
	if (size === 0 || size >= 1) return cents.format(value);
	return (size >= 0.01 ? small : tiny).format(value);
}

// Of an axis: as many digits as tell its steps apart.
export function usdAxis(ticks) {
	const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1e6;
	const format = step >= 1e6 && step % 1e6 === 0 ? dollars(0) : step >= 1e4 ? cents : step >= 1e2 ? small : tiny;
	return ticks.map((tick) => format.format(tick / 1e6));
}

// Of what there are no halves of.
export const countAxis = (ticks) =>
	ticks.map((tick) => (Number.isInteger(tick) ? tokens(tick).replace(/\.?0+(?=\D)/, "") : ""));

// Of sums that a daemon says in dollars, as text.
export const usdText = (text) => (isNone(text) ? NONE : usd(Math.round(Number(text) * 1e6)));

// 950, 3k, 12.3k, 4.56M, 78.9B
export function tokens(value) {
	if (isNone(value)) return NONE;
	for (const [unit, mark] of [
		[1e9, "B"],
		[1e6, "M"],
		[1e3, "k"],
	])
		if (Math.abs(value) >= unit) {
			const scaled = value / unit;
			return `${scaled.toFixed(scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2).replace(/\.0+$/, "")}${mark}`;
		}
	return plain.format(value);
}

// 850 µs, 12.3 ms, 1.24 s, 3 min 20 s
export function duration(us) {
	if (isNone(us)) return NONE;
	if (us === 0) return "0";
	if (us < 1000) return `${Math.round(us)} µs`;
	if (us < 1e6) return `${(us / 1e3).toFixed(us < 1e5 ? 1 : 0)} ms`;
	if (us < 6e7) return `${(us / 1e6).toFixed(us < 1e7 ? 2 : 1)} s`;
	if (us < 3.6e9) return `${Math.floor(us / 6e7)} min ${Math.round((us % 6e7) / 1e6)} s`;
	if (us < 1.728e11) return `${(us / 3.6e9).toFixed(1)} h`;
	return `${(us / 8.64e10).toFixed(1)} days`;
}

// Times that were not measured are 0 in rows.
export const measured = (us) => (us > 0 ? duration(us) : NONE);

export function bytes(value) {
	if (isNone(value)) return NONE;
	if (value < 1024) return `${value} B`;
	if (value < 1048576) return `${(value / 1024).toFixed(1)} KiB`;
	return `${(value / 1048576).toFixed(1)} MiB`;
}

export function share(part, whole, digits = 1) {
	if (!whole) return NONE;
	return `${((100 * part) / whole).toFixed(digits)} %`;
}

const pad = (value, digits = 2) => String(value).padStart(digits, "0");

// In UTC, as everything in the ledger is.
export function time(text) {
	if (!text) return NONE;
	const at = new Date(text);
	return (
		`${at.getUTCFullYear()}-${pad(at.getUTCMonth() + 1)}-${pad(at.getUTCDate())} ` +
		`${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}:${pad(at.getUTCSeconds())}`
	);
}

// The same for tables, where this year goes without saying.
export function when(text) {
	const whole = time(text);
	return whole.startsWith(`${new Date().getUTCFullYear()}-`) ? whole.slice(5) : whole;
}

export function until(text) {
	if (!text) return NONE;
	const us = (Date.parse(text) - Date.now()) * 1000;
	return us > 0 ? `in ${duration(us)}` : "now";
}

export { NONE };
