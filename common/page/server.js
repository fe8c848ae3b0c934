// server: what the pages ask the daemon. The session's cookie is the browser's
// affair; the word that guards changes is kept here, in memory only.

export class Refusal extends Error {
	constructor(status, text) {
		super(text || `the daemon answered ${status}`);
		this.status = status;
	}
}

// Numbers that a script's own would round are read as text: seeds are of 64 bits.
const STRING_OR_LONG = /"(?:[^"\\]|\\.)*"|-?\d{16,}/g;

let csrf = "";
let session = null;

// What may stand in a query as it is, stays: names are "provider/model" and times
// have colons.
const escaped = (text) =>
	encodeURIComponent(text).replace(/%(2F|3A|2C|40)/g, (code) => decodeURIComponent(code));

// /admin/PATH?…; what is empty is left out, lists are repeated.
export function address(path, query = {}) {
	const pairs = [];
	for (const [key, value] of Object.entries(query))
		for (const one of Array.isArray(value) ? value : [value])
			if (one !== "" && one !== null && one !== undefined)
				pairs.push(`${escaped(key)}=${escaped(one)}`);
	return `/admin/${path}${pairs.length ? `?${pairs.join("&")}` : ""}`;
}

async function call(url, init = {}) {
	let answer;
	try {
		answer = await fetch(url, { credentials: "same-origin", cache: "no-store", ...init });
	} catch (error) {
		if (error.name === "AbortError") throw error;
		throw new Refusal(0, "The daemon cannot be reached. Is it running, and the network up?");
	}
	const text = await answer.text();
	if (answer.ok) return text;
	if (answer.status === 401 && session?.name) {
		session = { ...session, name: null };
		window.dispatchEvent(new Event("gsr-signed-out"));
	}
	throw new Refusal(answer.status, said(text));
}

// An error's own words, whether it is a line or JSON.
function said(text) {
	try {
		const { error } = JSON.parse(text);
		return error?.message ?? error ?? text.trim();
	} catch {
		return text.trim();
	}
}

export async function ask(path, query = {}, signal) {
	const text = await call(address(path, { ...query, format: "json" }), { signal });
	try {
		return JSON.parse(
			text.replaceAll(STRING_OR_LONG, (part) => (part[0] === '"' ? part : `"${part}"`)),
		);
	} catch {
		throw new Refusal(502, "The daemon's answer could not be read: it is no JSON.");
	}
}

// A change; gives what the daemon said, as text.
export function send(method, path, body) {
	const headers = { "X-GSR-CSRF": csrf };
	if (body !== undefined) headers["Content-Type"] = "application/json";
	return call(`/admin/${path}`, { method, headers, body: body && JSON.stringify(body) });
}

export async function readSession() {
	session = await ask("session");
	csrf = session.csrf ?? "";
	return session;
}

// The token goes to the daemon once, the way a command would send it.
export async function signIn(token) {
	await call("/admin/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
	return readSession();
}

export async function signOut() {
	await send("DELETE", "session");
	csrf = "";
	return readSession();
}

// May this session ask for that path? Of "requests", "report" and so on.
export function may(path, method = "GET") {
	return (session?.may ?? []).includes(`${method} /admin/${path}`);
}

export function who() {
	return session;
}
