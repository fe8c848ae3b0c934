// The policy service of the documentation, asked as the documentation says.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after } from "node:test";

import { launch, story } from "./lab.mjs";

const docs = new URL("../../docs/", import.meta.url).pathname;
const [input, list, noted] = [...readFileSync(`${docs}POLICY_SERVICE.md`, "utf8").matchAll(/```json\n(.*?)```/gs)]
  .map(([, json]) => JSON.parse(json));

const service = launch(process.execPath, [`${docs}examples/policies/service.mjs`], {
  env: { PORT: "0", TOKEN: "s3cret" },
});
after(() => service.kill());
const { value: line } = await createInterface(service.stdout)[Symbol.asyncIterator]().next();
const url = `http://127.0.0.1:${/\d+$/.exec(line)[0]}/order`;

const ask = (body, token = "s3cret") =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

async function decided(request) {
  const answer = await ask({ ...input, request: { ...input.request, ...request } });
  assert.equal(answer.status, 200);
  const { order, note } = await answer.json();
  assert.deepEqual(order.toSorted(), input.targets.map(({ target }) => target).toSorted());
  assert.match(note, /^[A-Za-z0-9 _.,:-]{1,64}$/);
  return order;
}

story("easy requests go to the cheapest, hard ones to the best", async () => {
  const [best, cheapest] = input.targets.map(({ target }) => target);
  assert.deepEqual(await decided({ complexity: 0.2 }), [cheapest, best]);
  assert.deepEqual(await decided({ complexity: 0.9 }), [best, cheapest]);
  assert.deepEqual(await decided({ complexity: 0.2, reasoning: true }), [best, cheapest]);
});

story("only who has the token is answered", async () => {
  assert.equal((await ask(input, "guess")).status, 401);
});

story("what is no contract is refused, and does not end it", async () => {
  for (const body of ["", "{", "[]", "{}", '{"request":{},"targets":7}']) assert.equal((await ask(body)).status, 400, body);
  assert.equal((await ask(input)).status, 200);
});

story("the answers of the documentation name targets of its request", () => {
  const targets = input.targets.map(({ target }) => target);
  for (const target of [...list, ...noted.order]) assert.ok(targets.includes(target), target);
});
