// live: a part of a page that is asked for again every few seconds, while the
// page is in sight and nobody paused it.
import { h, renew } from "./element.js";
import { failed, loading } from "./notice.js";

// `bring` gives what is shown; { place, toggle, stop }.
export function live(bring, seconds = 5) {
	const place = h("div", { class: "live" }, loading());
	let timer = 0,
		paused = false,
		ended = false;

	async function turn() {
		clearTimeout(timer);
		try {
			const made = await bring();
			if (ended) return;
			renew(place, made);
		} catch (error) {
			if (ended) return;
			renew(place, failed(error, turn));
		}
		if (!paused) timer = setTimeout(wait, seconds * 1000);
	}
	// Nobody looks at a page that is hidden.
	function wait() {
		if (document.hidden) timer = setTimeout(wait, 1000);
		else turn();
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

	queueMicrotask(turn);
	return {
		place,
		toggle,
		again: turn,
		stop() {
			ended = true;
			clearTimeout(timer);
		},
	};
}
