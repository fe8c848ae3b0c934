// notice: what is shown while there is nothing to show: it is on its way, there
// is none, or it could not be had.
import { h, put } from "./element.js";

const TELLS = {
	0: "The daemon does not answer",
	400: "The daemon could not read this question",
	401: "You are signed out",
	403: "Not for your roles",
	404: "Not there",
	507: "Too much at once",
};

// Grey lines in the shape of what comes, told once to readers of screens.
export function loading(lines = 3) {
	return h(
		"div",
		{ class: "loading", role: "status" },
		h("span", { class: "unseen" }, "Loading"),
		...Array.from({ length: lines }, () => h("span", { class: "bone" })),
	);
}

export function empty(text, hint) {
	return h("div", { class: "notice" }, h("b", {}, text), hint && h("p", {}, hint));
}

export function failed(error, again) {
	const missing = error.status === 404 && /nothing at this path/.test(error.message);
	return h(
		"div",
		{ class: "notice bad", role: "alert" },
		h("b", {}, TELLS[error.status] ?? "That did not work"),
		h(
			"p",
			{},
			missing
				? "This daemon has no such report: it is of an older version than these figures need."
				: error.message,
		),
		again && h("button", { type: "button", "on:click": again }, "Try again"),
	);
}

// A place that says so while `bring` is under way, and then has what it gave.
export async function fill(place, bring, lines) {
	const again = () => fill(place, bring, lines);
	if (!place.dataset.filled) put(place, loading(lines));
	place.setAttribute("aria-busy", "true");
	try {
		const made = await bring();
		if (made) put(place, made);
		place.dataset.filled = "yes";
	} catch (error) {
		if (error.name === "AbortError") return;
		if (!(error.status >= 0)) console.error(error);
		put(place, failed(error, again));
	} finally {
		place.removeAttribute("aria-busy");
	}
}
