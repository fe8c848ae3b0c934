// route: where a page is and what it is filtered by, as the address tells it:
// #/requests?caller=app. So that a view can be kept and sent to a colleague.

export function read(hash = location.hash) {
	const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
	const [name = "", ...rest] = path.split("/").map(decodeURIComponent);
	return { name: name || "overview", rest, query: new URLSearchParams(query) };
}

// What is empty is left out, so that an address says only what was chosen.
export function write(name, rest = [], query = {}) {
	const kept = new URLSearchParams();
	for (const [key, value] of query instanceof URLSearchParams ? query : Object.entries(query))
		for (const one of Array.isArray(value) ? value : [value])
			if (one !== "" && one !== null && one !== undefined) kept.append(key, one);
	const path = [name, ...rest].map(encodeURIComponent).join("/");
	const text = kept.toString();
	return `#/${path}${text ? `?${text}` : ""}`;
}

// The same place with some of its query changed.
export function changed(route, changes) {
	const query = new URLSearchParams(route.query);
	for (const [key, value] of Object.entries(changes)) {
		query.delete(key);
		for (const one of Array.isArray(value) ? value : [value])
			if (one !== "" && one !== null && one !== undefined) query.append(key, one);
	}
	return write(route.name, route.rest, query);
}

// `replace`: not a step that "back" should return to.
export function go(hash, { replace = false } = {}) {
	if (hash === location.hash) window.dispatchEvent(new HashChangeEvent("hashchange"));
	else if (replace) {
		history.replaceState(null, "", hash);
		window.dispatchEvent(new HashChangeEvent("hashchange"));
	} else location.hash = hash;
}
