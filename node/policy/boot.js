// Runs in the engine before a policy is loaded: takes away what makes code out
// of text, puts a seeded Math.random in place, and gives what the sandbox
// calls. The policy sees none of it.
(function () {
	"use strict";
	const { parse, stringify } = JSON;
	const { imul } = Math;
	const { slice, indexOf } = String.prototype;
	const apply = Function.prototype.call.bind(Function.prototype.call);
	const text = String;
	const { Error, InternalError, Promise, TypeError } = globalThis;
	const ANSWER_MAX = 65536;
	let state = 0;

	delete globalThis.eval;
	delete globalThis.Function;
	for (const f of [function () {}, async function () {}, function* () {},
		async function* () {}])
		delete Object.getPrototypeOf(f).constructor;

	// mulberry32: 32 bits of state, good enough to spread load by.
	Math.random = function random() {
		state = (state + 0x6d2b79f5) | 0;
		let t = imul(state ^ (state >>> 15), state | 1);
		t ^= t + imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};

	// "TypeError: not a function (at route (policy.js:3:7))"
	function told(error) {
		if (!(error instanceof Error))
			return text(error);
		const where = text(error.stack);
		const end = apply(indexOf, where, "\n");
		let line = end < 0 ? where : apply(slice, where, 0, end);
		while (line[0] === " ")
			line = apply(slice, line, 1);
		return text(error.name) + ": " + text(error.message) +
			(line === "" ? "" : " (" + line + ")");
	}

	// What the sandbox gets: a letter for how it ended, then a text.
	function failed(error) {
		// null: there was not even room for the error.
		if (error === null || (error instanceof InternalError &&
			error.message === "out of memory"))
			return "M";
		return "T" + told(error);
	}

	function written(answer) {
		if (answer instanceof Promise)
			return "Nit returned a promise; a policy answers at once";
		let json;
		try {
			json = stringify(answer);
		} catch (error) {
			if (!(error instanceof TypeError))
				return failed(error);
			return "Nthe answer cannot be said in JSON: " + told(error);
		}
		if (json === undefined)
			return "Nit returned " + typeof answer;
		if (json.length > ANSWER_MAX)
			return "Nthe answer is longer than 64 KiB";
		return "O" + json;
	}

	// The policy's own call, or a throw of what "failed" says.
	return function open(namespace, error) {
		if (error !== undefined)
			throw failed(error);
		if (namespace instanceof Promise)
			throw "Tit awaits at its top level";
		const route = namespace.default;
		if (typeof route !== "function")
			throw "Tit has no function as its default export; write " +
				"export default function route(input) { … }";
		return function run(question, seed) {
			state = seed | 0;
			let answer;
			try {
				answer = route(parse(question));
			} catch (error) {
				return failed(error);
			}
			return written(answer);
		};
	};
})();
