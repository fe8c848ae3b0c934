// standing: how a target or an account stands, in a word and its colour.
import { badge } from "./card.js";
import { duration } from "./number.js";

export const STATES = {
	ok: "good",
	open: "good",
	closed: "good",
	active: "good",
	up: "good",
	settled: "good",
	verified: "good",
	disabled: "bad",
	down: "bad",
	revoked: "bad",
	mismatch: "bad",
	refused: "bad",
	interrupted: "warn",
	"backing-off": "warn",
	"half-open": "warn",
	expired: "warn",
	late: "warn",
	queued: "warn",
	gone: "warn",
	"not offered": "bad",
	done: "good",
	failed: "warn",
};

export function state(row) {
	const words =
		row.state === "backing-off" && row.wait_us > 0
			? `backs off for ${duration(row.wait_us)}`
			: row.state;
	return badge(words, STATES[row.state]);
}

export const word = (text) => badge(text, STATES[text]);

// A status of HTTP, and the error's name where there was one.
export function outcome({ status, fail, state: stands }) {
	if (stands === "open") return badge("under way", "accent");
	if (fail) return badge(`${status || "–"} ${fail}`, status === 499 ? "warn" : "bad");
	return badge(String(status || stands), status >= 400 ? "bad" : "good");
}
