// A part that the page cannot be without is asked for until it is there; its lack is told once.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

const { FOUND, MISSING, needed } = await import("../../static/js/dom/part.js");

let node, told, pauses;

beforeEach(() => {
  [node, told, pauses] = [new EventTarget(), [], []];
  for (const type of [MISSING, FOUND]) node.addEventListener(type, () => told.push(type));
  mock.method(globalThis, "setTimeout", (task) => pauses.push(task));
});

afterEach(() => mock.restoreAll());

const AWAY = () => Promise.reject(new TypeError("Failed to fetch"));
const MODULE = { name: "a module" };

/** Answers in this order. */
function loading(...answers) {
  return mock.fn(() => answers.shift()());
}

/** The pause before the next try is over. */
async function go() {
  while (!pauses.length) await Promise.resolve();
  pauses.shift()();
}

test("of what comes at once nothing is told", async () => {
  assert.equal(await needed(node, loading(async () => MODULE)), MODULE);
  assert.deepEqual(told, []);
});

test("that it is missing is told once, and that it is there", async () => {
  const found = needed(node, loading(AWAY, AWAY, AWAY, async () => MODULE));
  for (let pause = 0; pause < 3; pause += 1) await go();
  assert.equal(await found, MODULE);
  assert.deepEqual(told, [MISSING, FOUND]);
});

test("nobody asks for it any more once it is no longer wanted", async () => {
  const [wanted, load] = [new AbortController(), loading(AWAY, AWAY)];
  const found = needed(node, load, wanted.signal);
  while (!pauses.length) await Promise.resolve();
  wanted.abort();
  await go();
  assert.equal(await found, null);
  assert.deepEqual([load.mock.callCount(), told], [1, [MISSING]]);
});

test("a fault in the module is no lack of it", async () => {
  await assert.rejects(needed(node, loading(() => Promise.reject(new SyntaxError("x")))), SyntaxError);
  assert.deepEqual(told, []);
});
