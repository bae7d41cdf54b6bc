// Work that comes in heaps is done in its order, in turns.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

globalThis.document = { hidden: false };
const { Turns } = await import("../../static/js/dom/turns.js");

let time, done, turns, tasks;

beforeEach(() => {
  tasks = [];
  mock.method(globalThis, "setTimeout", (task) => tasks.push(task));
  document.hidden = false;
  [time, done] = [0, []];
  turns = new Turns(() => time);
});

afterEach(() => mock.restoreAll());

/** Each takes a millisecond. */
function add(...names) {
  for (const name of names) turns.add(() => ((time += 1), done.push(name)));
}

function runAll() {
  while (tasks.length) tasks.shift()();
}

const heap = (from, to) => Array.from({ length: to - from }, (_, at) => from + at);

test("what comes alone is done at once", () => {
  add("a");
  assert.deepEqual(done, ["a"]);
  tasks.shift()();
  add("b");
  assert.deepEqual(done, ["a", "b"]);
});

test("of a heap a turn's work is done, then more of it in each later task, and what comes meanwhile behind it", () => {
  add(...heap(0, 30));
  const first = done.length;
  assert.ok(first > 5 && first < 12, `${first}`);
  tasks.shift()();
  assert.ok(done.length > first && done.length < 2.5 * first, `${done.length}`);
  add("last");
  runAll();
  assert.deepEqual(done, [...heap(0, 30), "last"]);
});

test("what waits can be dropped, also by what is done before it", () => {
  add(...heap(0, 12));
  turns.add(() => turns.clear());
  add("never");
  runAll();
  assert.deepEqual(done, heap(0, 12));
  add("again");
  assert.equal(done.at(-1), "again");
});

test("if nobody looks, all is done at once", () => {
  document.hidden = true;
  add(...heap(0, 100));
  assert.equal(done.length, 100);
});

test("what throws is done once, told once, and holds nothing up", () => {
  add(...heap(0, 12));
  let thrown = 0;
  turns.add(() => {
    thrown += 1;
    throw new Error("one bad event");
  });
  add(...heap(12, 30));
  let told = 0;
  for (let task = 0; task < 100 && tasks.length; task += 1) {
    try {
      tasks.shift()();
    } catch {
      told += 1;
    }
  }
  assert.deepEqual([thrown, told, done], [1, 1, heap(0, 30)]);
});
