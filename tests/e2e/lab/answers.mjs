// answers: whole ones as a provider of each dialect sends them, as a stream or
// a body, for what the words of a script cannot say: turns that differ, JSON.
//
//     await way.queue("responses", answer(way.spoken("responses"), [
//       { thinking: "hm", blob: "…" }, { text: "Let me look." },
//       { call: { name: "exec_command", args: { cmd: "ls" } } },
//       { custom: { name: "apply_patch", input: "…" } }]));
const USAGE = { input: 12, output: 7 };
const CREATED = 1795387329;

// An event with a name, as Responses and Messages have it.
const named = (events) => events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");

// In pieces, since nobody should rely on whole ones.
const pieces = (text) => text.match(/[^]{1,9}/g) ?? [""];

let count = 0;
const newId = (prefix) => `${prefix}_a${++count}`;

const chatCall = {
  call: ({ name, args }) => [{ type: "function", function: { name, arguments: "" } }, JSON.stringify(args),
    (piece) => ({ function: { arguments: piece } })],
  custom: ({ name, input }) => [{ type: "custom", custom: { name, input: "" } }, input,
    (piece) => ({ custom: { input: piece } })],
};

function chatDeltas(part, index) {
  if ("thinking" in part) return pieces(part.thinking).map((piece) => ({ reasoning_content: piece }));
  if ("text" in part) return pieces(part.text).map((piece) => ({ content: piece }));
  const kind = part.call ? "call" : "custom";
  const [start, whole, form] = chatCall[kind](part[kind]);
  return [{ tool_calls: [{ index, id: newId("call"), ...start }] },
    ...pieces(whole).map((piece) => ({ tool_calls: [{ index, ...form(piece) }] }))];
}

const chatWholeCall = ({ call, custom }) => (call
  ? { id: newId("call"), type: "function", function: { name: call.name, arguments: JSON.stringify(call.args) } }
  : { id: newId("call"), type: "custom", custom });

function chat(parts, model) {
  const head = { id: newId("chatcmpl"), object: "chat.completion.chunk", created: CREATED, model };
  const chunk = (delta, finish_reason = null) => ({ ...head, choices: [{ index: 0, delta, finish_reason }], usage: null });
  const calls = parts.filter((part) => part.call || part.custom);
  const usage = { prompt_tokens: USAGE.input, completion_tokens: USAGE.output, total_tokens: USAGE.input + USAGE.output };
  const finish = calls.length ? "tool_calls" : "stop";
  const joined = (key) => parts.map((part) => part[key] ?? "").join("");
  const message = {
    role: "assistant", content: joined("text") || null, refusal: null,
    ...(joined("thinking") ? { reasoning_content: joined("thinking") } : {}),
    ...(calls.length ? { tool_calls: calls.map(chatWholeCall) } : {}),
  };
  const events = [chunk({ role: "assistant", content: "", refusal: null }),
    ...parts.flatMap((part) => chatDeltas(part, calls.indexOf(part))).map((delta) => chunk(delta)),
    chunk({}, finish), { ...head, choices: [], usage }];
  return {
    stream: `${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`,
    whole: { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: finish, logprobs: null }], usage },
  };
}

// What each kind of part is as an item: its shape while empty and whole, and
// the events between.
function responsesItem(part) {
  if ("thinking" in part) {
    const item = { id: newId("rs"), type: "reasoning", summary: [] };
    const place = { item_id: item.id, summary_index: 0 };
    const done = { type: "summary_text", text: part.thinking };
    return [item, { ...item, summary: [done], encrypted_content: part.blob ?? "blob" }, [
      { type: "response.reasoning_summary_part.added", ...place, part: { type: "summary_text", text: "" } },
      ...pieces(part.thinking).map((delta) => ({ type: "response.reasoning_summary_text.delta", ...place, delta })),
      { type: "response.reasoning_summary_text.done", ...place, text: part.thinking },
      { type: "response.reasoning_summary_part.done", ...place, part: done }]];
  }
  if ("text" in part) {
    const item = { id: newId("msg"), type: "message", role: "assistant", status: "in_progress", content: [] };
    const place = { item_id: item.id, content_index: 0 };
    const done = { type: "output_text", text: part.text, annotations: [], logprobs: [] };
    return [item, { ...item, status: "completed", content: [done] }, [
      { type: "response.content_part.added", ...place, part: { ...done, text: "" } },
      ...pieces(part.text).map((delta) => ({ type: "response.output_text.delta", ...place, delta, logprobs: [] })),
      { type: "response.output_text.done", ...place, text: part.text, logprobs: [] },
      { type: "response.content_part.done", ...place, part: done }]];
  }
  return part.call
    ? responsesCall("function_call", "arguments", "fc", part.call.name, JSON.stringify(part.call.args))
    : responsesCall("custom_tool_call", "input", "ctc", part.custom.name, part.custom.input);
}

function responsesCall(type, key, prefix, name, whole) {
  const item = { id: newId(prefix), type, status: "in_progress", call_id: newId("call"), name, [key]: "" };
  const event = type === "function_call" ? "response.function_call_arguments" : "response.custom_tool_call_input";
  return [item, { ...item, status: "completed", [key]: whole }, [
    ...pieces(whole).map((delta) => ({ type: `${event}.delta`, item_id: item.id, delta })),
    { type: `${event}.done`, item_id: item.id, [key]: whole }]];
}

function responses(parts, model) {
  const response = {
    id: newId("resp"), object: "response", created_at: CREATED, status: "in_progress", error: null, incomplete_details: null,
    instructions: null, model, output: [], parallel_tool_calls: true, temperature: 1, tool_choice: "auto", tools: [], top_p: 1,
    usage: null, metadata: {},
  };
  const items = parts.map(responsesItem);
  const completed = {
    ...response, status: "completed", output: items.map(([, whole]) => whole), usage: {
      input_tokens: USAGE.input, input_tokens_details: { cached_tokens: 0 }, output_tokens: USAGE.output,
      output_tokens_details: { reasoning_tokens: 0 }, total_tokens: USAGE.input + USAGE.output },
  };
  const events = [{ type: "response.created", response }, { type: "response.in_progress", response },
    ...items.flatMap(([empty, whole, between], output_index) => [
      { type: "response.output_item.added", output_index, item: empty },
      ...between.map((event) => ({ ...event, output_index })),
      { type: "response.output_item.done", output_index, item: whole }]),
    { type: "response.completed", response: completed }];
  return { stream: named(events.map((event, sequence_number) => ({ ...event, sequence_number }))), whole: completed };
}

// Here, a freeform tool is one with one argument.  Its shape while empty and
// whole, and the deltas between.
function messagesBlock(part) {
  if ("thinking" in part) {
    const { thinking, blob: signature = "blob" } = part;
    return [{ type: "thinking", thinking: "", signature: "" }, { type: "thinking", thinking, signature }, [
      ...pieces(thinking).map((piece) => ({ type: "thinking_delta", thinking: piece })), { type: "signature_delta", signature }]];
  }
  if ("text" in part)
    return [{ type: "text", text: "" }, { type: "text", text: part.text },
      pieces(part.text).map((text) => ({ type: "text_delta", text }))];
  const { name, args: input } = part.call ?? { name: part.custom.name, args: { input: part.custom.input } };
  const empty = { type: "tool_use", id: newId("toolu"), name, input: {} };
  return [empty, { ...empty, input },
    pieces(JSON.stringify(input)).map((partial_json) => ({ type: "input_json_delta", partial_json }))];
}

function messages(parts, model) {
  const blocks = parts.map(messagesBlock);
  const stop = { stop_reason: parts.some((part) => part.call || part.custom) ? "tool_use" : "end_turn", stop_sequence: null };
  const usage = { input_tokens: USAGE.input, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 };
  const message = {
    id: newId("msg"), type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null, usage,
  };
  return {
    stream: named([{ type: "message_start", message }, { type: "ping" },
      ...blocks.flatMap(([content_block, , deltas], index) => [
        { type: "content_block_start", index, content_block },
        ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
        { type: "content_block_stop", index }]),
      { type: "message_delta", delta: stop, usage: { output_tokens: USAGE.output } }, { type: "message_stop" }]),
    whole: { ...message, ...stop, content: blocks.map(([, whole]) => whole), usage: { ...usage, output_tokens: USAGE.output } },
  };
}

const WRITERS = { chat, responses, messages };

// { type, body }: what way.queue takes.
export function answer(dialect, parts, { stream = true, model = "test-model" } = {}) {
  const made = WRITERS[dialect](parts, model);
  if (stream) return { type: "text/event-stream", body: made.stream };
  return { type: "application/json", body: JSON.stringify(made.whole) };
}
