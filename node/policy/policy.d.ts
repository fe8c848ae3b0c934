/**
 * What a policy of GenAI Smart Router is given and gives, version 1.
 *
 * A policy is one file with one function, called for each request of its group:
 *
 *     import type { Decision, Input } from "gsr-policy";
 *
 *     export default function route(input: Input): Decision {
 *         return input.targets.map((t) => t.target);
 *     }
 *
 * It sees numbers and names, never what was said. It answers at once: there are
 * no promises, timers, network or files. `Date.now()` is the time of the
 * request, `Math.random()` is seeded from its id, and every call begins as the
 * first one did: nothing is kept between requests.
 */

/** All that a policy decides by. */
export interface Input {
	/** Of this contract; fields may be added to it, none change meaning. */
	readonly version: 1;
	readonly request: Request;
	/**
	 * The targets that may be tried, in the order the group lists them: they
	 * can do what the request needs, its contract allows them, and they are
	 * not backing off. Never empty.
	 */
	readonly targets: readonly Target[];
	/** When the request came, in milliseconds since 1970 (UTC). */
	readonly now_ms: number;
	/** 0 to 4294967295, from the request's id: the same request, the same seed. */
	readonly seed: number;
}

/** What is known of the request without its content. */
export interface Request {
	/** As in the ledger: "req_…". */
	readonly id: string;
	/** The group the caller asked for. */
	readonly group: string;
	/** The API the caller speaks. */
	readonly dialect: "chat" | "responses" | "messages";
	/** "count" asks for the number of tokens only. */
	readonly operation: "generate" | "count";
	/** Name of the token. */
	readonly caller: string;
	/** Whom the token is counted for; "" when it does not say. */
	readonly user: string;
	/** The project the token is counted for; "" when it does not say. */
	readonly project: string;
	/** Labels of the request. */
	readonly tags: Readonly<Record<string, string>>;
	/** The answer is wanted event by event. */
	readonly stream: boolean;
	/** It offers tools. */
	readonly tools: boolean;
	/** It demands that one is used. */
	readonly forced_tool: boolean;
	/** Several tools may be called at a time. */
	readonly parallel_tools: boolean;
	/** It has images among its input. */
	readonly images: boolean;
	/** It has files among its input. */
	readonly documents: boolean;
	/** It has sound among its input or wants it. */
	readonly audio: boolean;
	/** It wants an answer by a JSON schema. */
	readonly structured: boolean;
	/** It asks for thinking, or for an effort of it. */
	readonly reasoning: boolean;
	/** How many answers it wants; 1 unless said. */
	readonly choices: number;
	/** Messages of the conversation. */
	readonly messages: number;
	/** Tokens of its input; an estimate. */
	readonly input_tokens: number;
	/** Tokens its answer may have at most; 0 when it does not say. */
	readonly output_cap: number;
	/** How demanding it looks by its shape, 0 (easy) to 1 (hard). */
	readonly complexity: number;
}

/** One target that may be tried. */
export interface Target {
	/** Its name, which is what a decision lists: "provider/model". */
	readonly target: string;
	readonly provider: string;
	readonly model: string;
	/** Where it runs, as the topology says; "" when it does not. */
	readonly region: string;
	/** The team's own: it does not leave by an egress. */
	readonly local: boolean;
	/** As the group says; 1 unless said. */
	readonly weight: number;
	/** Tokens of input and answer together; 0 when not stated. */
	readonly context: number;
	/** Tokens of an answer; 0 when not stated. */
	readonly max_output: number;
	/** What it is stated to support: "tools", "images", … */
	readonly supports: readonly string[];
	/** USD per million tokens of input. */
	readonly price_input: number;
	/** USD per million tokens of input that its cache has. */
	readonly price_cached_input: number;
	/** USD per million tokens of the answer. */
	readonly price_output: number;
	/** USD that this request would cost; an estimate. */
	readonly estimated_cost_usd: number;
	/** Score of its evaluation, 0 to 1; null when it has none. */
	readonly quality: number | null;
	/** Calls in the window that the figures below are of. */
	readonly attempts: number;
	/** Share of them that failed, 0 to 1. */
	readonly error_rate: number;
	/** Milliseconds to the first token, median; null when none was seen. */
	readonly ttft_p50_ms: number | null;
	/** Milliseconds to the first token, of 95 in 100 at most. */
	readonly ttft_p95_ms: number | null;
	/** Milliseconds to the whole answer, median. */
	readonly total_p50_ms: number | null;
	/** Milliseconds to the whole answer, of 95 in 100 at most. */
	readonly total_p95_ms: number | null;
	/** Tokens a second once it answers; null when none was seen. */
	readonly tokens_per_second: number | null;
	/** Its prompt cache has this conversation's beginning, as far as is known. */
	readonly warm: boolean;
}

/**
 * The targets to try, the first one first: at least one, each one of the input,
 * none twice. What is left out is not tried. With `note`, up to 64 letters,
 * digits, spaces and `_.,:-` that the ledger keeps with the decision.
 */
export type Decision =
	| readonly string[]
	| { readonly order: readonly string[]; readonly note?: string };
