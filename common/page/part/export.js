// export: the same figures as a file, made by the daemon or out of what is shown.
import { h } from "./element.js";
import { icon } from "./icon.js";

// links: [["CSV", address, file name]]
export function exported(links) {
	return h(
		"div",
		{ class: "export" },
		icon("export"),
		h("span", { class: "unseen" }, "Export as"),
		...links.map(([text, href, name]) => h("a", { href, download: name }, text)),
	);
}

const quoted = (value) => {
	const text = String(value ?? "");
	// Spreadsheets run what begins like a formula.
	const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
	return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export function csv(rows) {
	const columns = [...new Set(rows.flatMap(Object.keys))];
	const flat = (value) =>
		value !== null && typeof value === "object" ? JSON.stringify(value) : value;
	return (
		[columns, ...rows.map((row) => columns.map((column) => flat(row[column])))]
			.map((line) => line.map(quoted).join(","))
			.join("\r\n") + "\r\n"
	);
}

function save(name, type, text) {
	const href = URL.createObjectURL(new Blob([text], { type }));
	h("a", { href, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

// What is on the page, for answers that the daemon gives as JSON only.
export function exportRows(name, rows) {
	return h(
		"div",
		{ class: "export" },
		icon("export"),
		h("span", { class: "unseen" }, "Export as"),
		h(
			"button",
			{ type: "button", "on:click": () => save(`${name}.csv`, "text/csv", csv(rows)) },
			"CSV",
		),
		h(
			"button",
			{
				type: "button",
				"on:click": () =>
					save(`${name}.json`, "application/json", JSON.stringify(rows, null, 2)),
			},
			"JSON",
		),
	);
}
