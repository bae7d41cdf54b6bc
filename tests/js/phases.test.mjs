// The line under a running answer, for each thing that it can be at.

import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent, blankAnswer, changeTool, forgotten } from "../../static/js/state/answer.js";
import { phaseOf, thinkingLabel } from "../../static/js/views/labels.js";

const asked = (extra = {}) => blankAnswer({ key: "k", id: "m", provider: "local", watched: true, ...extra });
const after = (...events) => events.reduce((answer, [name, data], at) => applyEvent(answer, name, data, at), asked());
const CALL = { id: "1", type: "function", name: "look", arguments: {} };
const ASKED = ["tool_approval", { tool_call_id: "1", state: "asked", expires: 1 }];

for (const [words, answer] of [
  ["Connecting…", asked({ id: "" })],
  ["Waiting for the connection…", asked({ id: "", unsent: true })],
  ["Reconnecting…", asked({ waiting: true, queued: true })],
  ["Stopping…", asked({ stopping: true })],
  ["Waiting for local", after()],
  ["Waiting for the model", asked({ provider: null })],
  ["Queued at local", after(["queued", { waiting: true }])],
  ["Queued at the model", applyEvent(asked({ provider: null }), "queued", { waiting: true }, 0)],
  ["Waiting for local", after(["queued", { waiting: true }], ["queued", { waiting: false }])],
  ["Thinking…", after(["queued", { waiting: true }], ["reasoning_delta", { delta: "hm" }])],
  ["Writing…", after(["queued", { waiting: true }], ["content_delta", { delta: "x" }])],
  ["Running look", after(["queued", { waiting: true }], ["tool_call", CALL])],
  ["Waiting for you", after(["tool_call", CALL], ASKED)],
  ["Running look", changeTool(after(["tool_call", CALL], ASKED), "1", { deciding: "approved" })],
  ["Queued at local", after(["tool_call", CALL], ["tool_result", { tool_call_id: "1", result: 1 }], ["queued", { waiting: true }])],
  ["", after(["queued", { waiting: true }], ["completed", { content: "", finish_reason: "cancelled" }])],
]) {
  test(`${words || "nothing at the end"}: ${JSON.stringify(answer.parts)}`, () => assert.equal(phaseOf(answer), words));
}

test("an answer whose log is read again is not queued until the log says so", () => {
  assert.equal(phaseOf(forgotten(after(["queued", { waiting: true }]))), "Waiting for local");
});

test("that it thinks is said once, in the line under the answer", () => {
  const answer = after(["reasoning_delta", { delta: "hm" }]);
  assert.equal(thinkingLabel(answer.parts[0], answer), "Thoughts");
});
