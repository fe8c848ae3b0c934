// app: the frame around every page, and which page is shown.
import { frame } from "./frame.js";
import { h, put } from "./part/element.js";
import { failed, loading } from "./part/notice.js";
import * as route from "./route.js";
import { readSession, who } from "./server.js";
import { allowed, find, refusal } from "./sections.js";

const app = document.getElementById("app");
let leave = null;
let shown = 0;

async function showSignIn() {
	const { show } = await import("./view/signin.js");
	document.title = "Sign in · GenAI Smart Router";
	show(app, () => start());
}

function refuse(place, section) {
	place.dataset.name = "";
	put(
		place,
		h("h1", { tabindex: "-1" }, section?.title ?? "Not here"),
		section
			? failed({ status: 403, message: refusal(section) })
			: failed({ status: 404, message: "There is no page at this address." }),
		h("p", {}, h("a", { href: "#/overview" }, "To the overview")),
	);
}

async function show() {
	const here = route.read();
	const section = find(here.name);
	const place = document.getElementById("main");
	const turn = ++shown;

	leave?.();
	leave = null;
	// What was asked over the page before is not of this one.
	for (const dialog of document.querySelectorAll("dialog")) dialog.close();
	for (const link of document.querySelectorAll(".nav a"))
		link.toggleAttribute("aria-current", link.dataset.name === (section?.parent ?? here.name));
	for (const link of document.querySelectorAll(".nav a[aria-current]"))
		link.setAttribute("aria-current", "page");
	document.title = `${section?.title ?? "Not here"} · ${who().member}`;
	if (!section || !allowed(section)) return refuse(place, section);
	if (place.dataset.name !== here.name) {
		put(place, h("h1", {}, section.title), loading());
		document.querySelector(".nav a[aria-current]")?.scrollIntoView({ inline: "nearest" });
		window.scrollTo(0, 0);
	}
	try {
		const view = await import(`./view/${section.file ?? here.name}.js`);
		if (turn !== shown) return;
		const before = place.dataset.name;
		place.dataset.name = here.name;
		leave = view.show(place, here) ?? null;
		// Readers of screens are told of a new page by its heading.
		if (before && before !== here.name) place.querySelector("h1")?.focus();
	} catch (error) {
		put(place, h("h1", {}, section.title), failed(error, show));
	}
}

async function start() {
	try {
		const session = await readSession();
		if (!session.name) return await showSignIn();
		frame(app);
		await show();
	} catch (error) {
		put(
			app,
			h("main", { class: "alone" }, h("h1", {}, "GenAI Smart Router"), failed(error, start)),
		);
	}
}

window.addEventListener("hashchange", () => who()?.name && show());
// Perhaps it was only signed in anew, in another tab.
window.addEventListener("gsr-signed-out", start);
start();
