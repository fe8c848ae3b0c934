// icon: drawn by strokes in the text's colour; decoration only.
const PATHS = {
	overview: "M3 13h7V3H3zM14 21h7V11h-7zM3 21h7v-4H3zM14 7h7V3h-7z",
	spend: "M12 2v20M17 6.5C16 5 14.3 4.5 12 4.5 9 4.5 7 6 7 8.200c0 5 10 2.6 10 7.6 0 2.3-2.2 3.7-5 3.7-2.6 0-4.6-.9-5.4-2.7",
	comparison: "M5 4v16M5 8h9M5 16h14M14 5v6M19 13v6",
	performance: "M3 12h4l3 8 4-16 3 8h4",
	requests: "M4 6h16M4 12h16M4 18h10",
	limits: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4.500v5M6.5 14.500v5",
	callers:
		"M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM2 21a7 7 0 0 1 14 0M17 4a4 4 0 0 1 0 7M19 15a7 7 0 0 1 3 6",
	decisions: "M6 3v6a4 4 0 0 0 4 4h8M18 13l-3-3M18 13l-3 3M6 9v12",
	admins: "M8 15a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9ZM12 11h9M18 11v4M21 11v3",
	mesh: "M12 7a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM5 21a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM19 21a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM11 7l-5 10M13 7l5 10M7 19h10",
	audit: "M12 3l8 3v6c0 4.5-3.3 8-8 9-4.7-1-8-4.5-8-9V6zM8.5 12l2.5 2.5 4.5-5",
	export: "M12 3v12M7 10l5 5 5-5M4 20h16",
};

export function icon(name) {
	const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
	const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
	svg.setAttribute("viewBox", "0 0 24 24");
	svg.setAttribute("class", "icon");
	svg.setAttribute("aria-hidden", "true");
	path.setAttribute("d", PATHS[name]);
	svg.append(path);
	return svg;
}
