// signin: a token for a session. It goes to the daemon once and is kept by it:
// no script has it afterwards.
import { h, put } from "../part/element.js";
import { signIn, who } from "../server.js";

export function show(app, entered) {
	const token = h("input", {
		id: "token",
		name: "token",
		type: "password",
		required: true,
		autocomplete: "current-password",
		spellcheck: "false",
		placeholder: "gsra_…",
	});
	const button = h("button", { class: "first" }, "Sign in");
	const told = h("div", { role: "alert" });

	async function enter(event) {
		event.preventDefault();
		button.disabled = true;
		put(told);
		try {
			await signIn(token.value.trim());
			token.value = "";
			entered();
		} catch (error) {
			put(
				told,
				h(
					"div",
					{ class: "notice bad" },
					h("b", {}, "Not signed in"),
					h("p", {}, error.message),
				),
			);
			token.select();
		} finally {
			button.disabled = false;
		}
	}

	put(
		app,
		h(
			"main",
			{ class: "alone", id: "main" },
			h(
				"div",
				{ class: "panel" },
				h(
					"div",
					{ class: "brand" },
					h("img", { src: "/admin/page/mark.svg", alt: "", width: 36, height: 36 }),
					h("h1", {}, "GenAI Smart Router"),
				),
				h("p", {}, "Sign in with an admin token of this member."),
				h(
					"form",
					{ "on:submit": enter, class: "stack" },
					h("label", { for: "token" }, "Admin token", token),
					told,
					button,
				),
				h(
					"p",
					{},
					h(
						"small",
						{},
						"One is made on the machine: ",
						h(
							"code",
							{},
							`gsr-${who()?.role ?? "node"} token create NAME --role operator`,
						),
					),
				),
			),
		),
	);
	token.focus();
}
