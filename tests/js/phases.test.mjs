// The line under a running answer, for each thing that it can be at.

import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent, blankAnswer, changeTool, forgotten } from "../../static/js/state/answer.js";
import { waitsForReader } from "../../static/js/state/selectors.js";
import { initialState } from "../../static/js/state/store.js";
import { phaseOf, thinkingLabel, toolLabel } from "../../static/js/views/labels.js";

const asked = (extra = {}) => blankAnswer({ key: "k", id: "m", provider: "local", watched: true, ...extra });
const after = (...events) => events.reduce((answer, [name, data], at) => applyEvent(answer, name, data, at), asked());
const CALL = { id: "1", type: "function", name: "look", arguments: {} };
const ASKED = ["tool_approval", { tool_call_id: "1", state: "asked", expires: 1 }];
const QUESTION = ["tool_question", { tool_call_id: "1", question: "q", state: "asked", expires: 1 }];
const twoAsk = () => after(
  ["tool_call", CALL], ["tool_call", { ...CALL, id: "2", name: "other" }],
  ASKED, ["tool_approval", { ...ASKED[1], tool_call_id: "2" }],
);

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
  ["Waiting for you", changeTool(twoAsk(), "1", { deciding: "approved" })],
  ["Running other", changeTool(changeTool(twoAsk(), "1", { deciding: "approved" }), "2", { deciding: "denied" })],
  ["Waiting for you", after(["tool_call", CALL], QUESTION)],
  ["Running look", changeTool(after(["tool_call", CALL], QUESTION), "1", { deciding: "accept" })],
  ["Queued at local", after(["tool_call", CALL], ["tool_result", { tool_call_id: "1", result: 1 }], ["queued", { waiting: true }])],
  ["", after(["queued", { waiting: true }], ["completed", { content: "", finish_reason: "cancelled" }])],
]) {
  test(`${words || "nothing at the end"}: ${JSON.stringify(answer.parts)}`, () => assert.equal(phaseOf(answer), words));
}

test("an answer whose log is read again is not queued until the log says so", () => {
  assert.equal(phaseOf(forgotten(after(["queued", { waiting: true }]))), "Waiting for local");
});

test("a call says what was decided before the server says so", () => {
  const labels = ["approved", "denied"].map((deciding) => changeTool(after(["tool_call", CALL], ASKED), "1", { deciding }));
  const replies = ["accept", "decline", "cancel"].map((deciding) => changeTool(after(["tool_call", CALL], QUESTION), "1", { deciding }));
  const words = [...labels, ...replies].map(({ tools: [tool] }) => toolLabel(tool, false, 0));
  assert.deepEqual(words, ["approved", "denied", "answered", "declined", "cancelled"]);
});

test("a conversation waits for its reader until the last of its calls is decided", () => {
  const waits = (answer) => waitsForReader({ ...initialState, messages: [answer] });
  const one = changeTool(twoAsk(), "1", { deciding: "approved" });
  assert.deepEqual([waits(one), waits(changeTool(one, "2", { deciding: "denied" }))], [true, false]);
});

test("a fallback that fails is known as the one that answered", () => {
  const by = { provider: "spare", model: "small" };
  const answer = after(["error", { code: "x", message: "no", answered_by: by }]);
  assert.deepEqual([answer.answered_by, answer.error], [by, { code: "x", message: "no" }]);
});

test("that it thinks is said once, in the line under the answer", () => {
  const answer = after(["reasoning_delta", { delta: "hm" }]);
  assert.equal(thinkingLabel(answer.parts[0], answer), "Thoughts");
});
