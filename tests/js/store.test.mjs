// What the page's state becomes by an action.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isSet } from "../../static/js/state/selectors.js";
import { initialState, reduce } from "../../static/js/state/store.js";

const after = (...actions) => actions.reduce(reduce, initialState);
const BEGUN = [
  { type: "question-sent", key: "k", prompt: "Hi", files: [], choice: null, at: "now" },
  { type: "answer-accepted", key: "k", id: "m", conversation_id: "c", parent: "q", events_url: "/e" },
];
const saved = (id, settings) => ({ type: "settings-saved", id, settings });

test("a conversation that a question began is marked as changed, too", () => {
  const state = after(...BEGUN, saved("c", { instructions: "Be brief." }));
  assert.equal(isSet(state), true);
  assert.deepEqual(state.opened, { id: "c", title: "", settings: { instructions: "Be brief." } });
  assert.equal(isSet(reduce(state, saved("c", {}))), false);
});

test("what is set keeps the title, and changes nothing of another conversation", () => {
  const state = after({ type: "conversation-opened", conversation: { id: "c", title: "Sea", messages: [] } }, saved("c", { temperature: 0 }));
  assert.deepEqual(state.opened, { id: "c", title: "Sea", settings: { temperature: 0 } });
  assert.equal(reduce(state, saved("d", {})), state);
});
