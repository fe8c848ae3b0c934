// live: a part of a page that is asked for again every few seconds, while the
// page is in sight and nobody paused it.
import { h, renew } from "./element.js";
import { failed, loading } from "./notice.js";

// `bring` gives what is shown; { place, toggle, stop }.
export function live(bring, seconds = 5) {
	const place = h("div", { class: "live" }, loading());
	let timer = 0,
		paused = false,
		ended = false,
		asked = 0;

	async function turn() {
		clearTimeout(timer);
		asked = Date.now();
		try {
			const made = await bring();
			if (ended) return;
			renew(place, made);
		} catch (error) {
			if (ended) return;
			renew(place, failed(error, turn));
		}
		next();
	}
	// Nobody looks at a page that is hidden: it asks again when it is seen.
	function next() {
		clearTimeout(timer);
		if (paused || ended || document.hidden) return;
		timer = setTimeout(turn, Math.max(0, asked + seconds * 1000 - Date.now()));
	}
	const toggle = h(
		"button",
		{
			type: "button",
			class: "pulse",
			"aria-pressed": "true",
			"on:click": () => {
				paused = !paused;
				toggle.setAttribute("aria-pressed", String(!paused));
				if (paused) clearTimeout(timer);
				else turn();
			},
		},
		"Live",
	);

	document.addEventListener("visibilitychange", next);
	queueMicrotask(turn);
	return {
		place,
		toggle,
		again: turn,
		stop() {
			ended = true;
			clearTimeout(timer);
			document.removeEventListener("visibilitychange", next);
		},
	};
}
