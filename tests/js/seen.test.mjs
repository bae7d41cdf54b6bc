// How a tab learns of the conversations that it does not show, and says that they wait.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

globalThis.HTMLElement = class { textContent = ""; };
globalThis.document = Object.assign(new EventTarget(), { hidden: false, documentElement: { lang: "en" } });
const { initialState, Store } = await import("../../static/js/state/store.js");
const { SeenView } = await import("../../static/js/views/seen.js");

const listed = (...conversations) => ({ type: "conversations-loaded", conversations });
const running = { id: "c", title: "Sea", running: true };
const waiting = { ...running, waiting: true };
let announcer, store, looked, view;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  announcer = new HTMLElement();
  store = new Store(initialState);
  looked = 0;
  document.hidden = false;
  const actions = { see() {}, refreshConversations: async () => void (looked += 1) };
  view = new SeenView({ querySelector: () => announcer }, store, actions);
  view.start();
});

afterEach(() => {
  view.stop();
  mock.timers.reset();
});

function turn(hidden) {
  document.hidden = hidden;
  document.dispatchEvent(new Event("visibilitychange"));
}

test("a tab out of view goes on to look how the others stand, less often", () => {
  store.dispatch(listed(running));
  turn(true);
  mock.timers.tick(9_999);
  assert.equal(looked, 0);
  mock.timers.tick(1);
  assert.equal(looked, 1);
});

test("back in view, it does not wait for the longer pause", () => {
  turn(true);
  store.dispatch(listed(running));
  turn(false);
  mock.timers.tick(5000);
  assert.equal(looked, 1);
});

test("it says of each conversation once that it waits, and again if it waits again", () => {
  const other = { id: "d", title: "", waiting: true };
  store.dispatch(listed(waiting));
  assert.equal(announcer.textContent, "“Sea” waits for you.");
  store.dispatch(listed(waiting, other));
  assert.equal(announcer.textContent, "“New chat” waits for you.");
  store.dispatch(listed(other));
  assert.equal(announcer.textContent, "“New chat” waits for you.");
  store.dispatch(listed());
  store.dispatch(listed(other));
  assert.equal(announcer.textContent, "“New chat” waits for you.\u00a0"); // a change, which is read
  store.dispatch(listed());
  store.dispatch(listed(waiting, other));
  assert.equal(announcer.textContent, "“Sea” waits for you. “New chat” waits for you.");
});
