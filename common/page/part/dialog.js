// dialog: a question over the page, and its answer.
import { h, put } from "./element.js";

function over(title, ...inside) {
	const heading = h("h2", { id: "dialog-title" }, title);
	const box = h("dialog", { "aria-labelledby": "dialog-title" }, heading, ...inside);
	box.addEventListener("close", () => box.remove());
	document.body.append(box);
	box.showModal();
	return box;
}

// What `act` gave for the form's fields, or null where it was left. Its error is
// shown, and the form stays.
export function ask(title, fields, verb, act, tone = "") {
	return new Promise((done) => {
		const wrong = h("div", { role: "alert" });
		const go = h("button", { class: `first ${tone}` }, verb);
		let answer = null;
		const submit = async (event) => {
			event.preventDefault();
			go.disabled = true;
			put(wrong);
			try {
				answer = await act(new FormData(event.target));
				box.close();
			} catch (error) {
				// Lines of an error are of files: they keep their form.
				const lines = error.message.includes("\n");
				put(
					wrong,
					h("div", { class: "notice bad" }, h(lines ? "pre" : "p", {}, error.message)),
				);
			} finally {
				go.disabled = false;
			}
		};
		const box = over(
			title,
			h(
				"form",
				{ "on:submit": submit },
				...fields,
				wrong,
				h(
					"div",
					{ class: "actions" },
					h(
						"button",
						{ type: "button", class: "quiet", "on:click": () => box.close() },
						"Cancel",
					),
					go,
				),
			),
		);
		box.addEventListener("close", () => done(answer));
	});
}

export const told = (title, ...inside) => shown(title, "", inside);
// For tables.
export const toldLarge = (title, ...inside) => shown(title, "large", inside);

function shown(title, size, inside) {
	return new Promise((done) => {
		const box = over(
			title,
			h(
				"form",
				{ method: "dialog" },
				...inside,
				h("div", { class: "actions" }, h("button", { class: "first" }, "Done")),
			),
		);
		box.className = size;
		box.addEventListener("close", done);
	});
}
