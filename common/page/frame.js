// frame: the menu, who is signed in, and the place where pages are shown.
import { h, put } from "./part/element.js";
import { icon } from "./part/icon.js";
import { signOut, who } from "./server.js";
import { menu } from "./sections.js";

const THEMES = { system: "As the system", light: "Light", dark: "Dark" };

function themes() {
	return h(
		"label",
		{ class: "theme" },
		h("span", { class: "unseen" }, "Colours"),
		h(
			"select",
			{ "on:change": (event) => window.gsrTheme.set(event.target.value) },
			...Object.entries(THEMES).map(([name, text]) =>
				h("option", { value: name, selected: name === window.gsrTheme.get() }, text),
			),
		),
	);
}

async function leave() {
	try {
		await signOut();
	} finally {
		location.reload();
	}
}

// "report-admin of payments, checkout": what a scoped token is held to.
function role({ roles, scope }) {
	const held = [...(scope?.teams ?? []), ...(scope?.projects ?? [])];
	return roles.join(", ") + (held.length ? ` of ${held.join(", ")}` : "");
}

export function frame(app) {
	const session = who();
	put(
		app,
		h(
			"a",
			{
				class: "skip",
				href: "#main",
				"on:click": (event) => {
					event.preventDefault();
					document.getElementById("main").focus();
				},
			},
			"Skip to the page",
		),
		h(
			"header",
			{ class: "side" },
			h(
				"a",
				{ class: "brand", href: "#/overview" },
				h("img", { src: "/admin/page/mark.svg", alt: "", width: 28, height: 28 }),
				h(
					"span",
					{},
					h("b", {}, session.member),
					h("small", {}, `${session.role} · mesh ${session.mesh}`),
				),
			),
			h(
				"nav",
				{ class: "nav", "aria-label": "Pages" },
				...menu().map((section) =>
					h(
						"a",
						{ href: `#/${section.name}`, "data-name": section.name },
						icon(section.icon),
						section.title,
					),
				),
			),
			h(
				"div",
				{ class: "me" },
				h("p", {}, h("b", {}, session.name), h("small", {}, role(session))),
				themes(),
				h("button", { type: "button", class: "quiet", "on:click": leave }, "Sign out"),
			),
		),
		h("main", { id: "main", tabindex: "-1" }),
	);
}
