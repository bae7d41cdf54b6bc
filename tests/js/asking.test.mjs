// Questions between the page and the server: what is kept, sent, taken back, and never sent twice.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const kept = new Map();
globalThis.localStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => void kept.set(key, value),
  removeItem: (key) => void kept.delete(key),
};
const { Actions } = await import("../../static/js/actions.js");
const { readAs } = await import("../../static/js/dom/storage.js");
const { ApiError } = await import("../../static/js/server/api.js");
const { keep, unsent } = await import("../../static/js/server/outbox.js");
const { initialState, Store } = await import("../../static/js/state/store.js");

const AWAY = () => Promise.reject(new ApiError("away", 0, "unreachable", null));
const REFUSED = () => Promise.reject(new ApiError("no", 422, "invalid_field", "t"));
const FILE = { key: "f1", id: "f1", name: "a.txt", media_type: "text/plain" };

/** A tab: its store, its actions, and what it asked of the server and told the others; of one name, it is the same, loaded anew. */
function tab(ask, setting = {}, state = initialState, name = "one") {
  const asked = [];
  const told = [];
  const store = new Store(state);
  const api = {
    ask: (fields, key) => (asked.push({ key, ...fields }), ask(fields, key)),
    conversations: async () => ({ conversations: [], next: null }),
    catalogue: async () => ({ default: null, providers: [] }),
    conversation: async (id) => ({ id, title: "", messages: [], next: null }),
  };
  const tabs = { name, tell: (id, sent) => told.push(["sent", sent]), tellWithdrawn: (key) => told.push(["withdrawn", key]) };
  return { store, asked, told, actions: new Actions(store, api, tabs, setting) };
}

const accepted = async (fields, key) => ({ id: `msg_${key}`, conversation_id: fields.conversation_id ?? "c1", parent: "q", events_url: "/e" });
const said = ({ store }) => store.state.messages.filter(({ role }) => role === "user").map(({ content }) => content);
const answer = ({ store }) => store.state.messages.at(-1);

beforeEach(() => {
  for (const { key } of unsent("")) new Actions(new Store(), {}, { tell() {}, tellWithdrawn() {} }, {}).onWithdrawnElsewhere(key);
  kept.clear();
});

test("a question is kept from the moment it is sent until the server has it", async () => {
  let take = () => {};
  const one = tab((fields, key) => new Promise((resolve) => (take = () => resolve(accepted(fields, key)))));
  const sent = one.actions.send("Hello", [FILE]);
  assert.deepEqual(unsent("").map(({ prompt, files }) => [prompt, files.map(({ id }) => id)]), [["Hello", ["f1"]]]);
  take();
  assert.equal(await sent, true);
  assert.deepEqual(unsent(""), []);
  assert.equal(one.store.state.conversationId, "c1");
});

test("what is on its way is not sent a second time beside it; if it is refused, it comes back once", async () => {
  let settle = () => {};
  const one = tab((...asked) => new Promise((resolve) => (settle = (how) => resolve(how(...asked)))));
  const sent = one.actions.send("Hello", [FILE]);
  await one.actions.onStarted();
  await one.actions.onConnected();
  settle(REFUSED);
  assert.equal(await sent, false);
  assert.deepEqual([one.asked.length, one.store.state.returned, unsent("")], [1, null, []]);
});

test("what hangs on a connection that is gone is sent again, and what becomes of it then changes nothing", async ({ mock }) => {
  mock.timers.enable({ apis: ["Date"] });
  const settle = [];
  const one = tab((...asked) => new Promise((resolve) => settle.push((how) => resolve(how(...asked)))));
  const sent = one.actions.send("Hello", [FILE]);
  mock.timers.tick(11_000);
  const connected = one.actions.onConnected();
  settle[1](accepted);
  await connected;
  settle[0](REFUSED);
  await sent;
  assert.deepEqual([one.asked.length, new Set(one.asked.map(({ key }) => key)).size, unsent("")], [2, 1, []]);
  assert.deepEqual([said(one), one.store.state.returned], [["Hello"], null]);
});

test("what was on its way when the connection was lost is sent once it is back", async () => {
  let settle = () => {};
  const one = tab((...asked) => new Promise((resolve) => (settle = (how) => resolve(how(...asked)))));
  const sent = one.actions.send("Hello");
  settle(AWAY);
  await sent;
  const connected = one.actions.onConnected();
  settle(accepted);
  await connected;
  assert.deepEqual([one.asked.length, new Set(one.asked.map(({ key }) => key)).size, unsent("")], [2, 1, []]);
});

test("a connection that comes back twice while questions are being sent sends each of them once", async () => {
  const settle = [];
  const one = tab((...asked) => new Promise((resolve) => settle.push(() => resolve(accepted(...asked)))));
  for (const key of ["a", "b"]) keep({ key, fields: { prompt: key, conversation_id: null }, prompt: key, files: [], place: "" });
  const [first, second] = [one.actions.onConnected(), one.actions.onConnected()];
  for (let turn = 0; turn < 20; turn += 1) {
    settle.shift()?.();
    await Promise.resolve();
  }
  await Promise.all([first, second]);
  assert.deepEqual([one.asked.map(({ key }) => key), unsent("")], [["a", "b"], []]);
});

test("after a reload it is shown, and sent again with the same key", async () => {
  const before = tab(AWAY);
  await before.actions.send("Hello", [FILE]);
  assert.equal(answer(before).unsent, true);
  const after = tab(accepted);
  after.actions.showUnsent();
  assert.deepEqual([said(after), after.store.state.messages[0].files.map(({ id }) => id)], [["Hello"], ["f1"]]);
  await after.actions.onStarted();
  assert.deepEqual(after.asked.map(({ key }) => key), [before.asked[0].key]);
  assert.deepEqual([answer(after).unsent, answer(after).id, unsent("")], [false, `msg_${before.asked[0].key}`, []]);
});

test("another tab shows what begins a conversation only there, and sends it", async () => {
  const [asking, other] = [tab(AWAY), tab(accepted, {}, initialState, "other")];
  await asking.actions.send("Hello");
  other.actions.showUnsent();
  await other.actions.onStarted();
  assert.deepEqual([said(other), other.store.state.conversationId, unsent("")], [[], null, []]);
  assert.deepEqual(other.asked.map(({ key }) => key), [asking.asked[0].key]);
});

test("what is taken back comes back with its files, and no tab sends it", async () => {
  const [one, other] = [tab(AWAY), tab(AWAY)];
  await one.actions.send("Hello", [FILE]);
  other.actions.showUnsent();
  await other.actions.stop();
  const { prompt, files } = other.store.state.returned;
  assert.deepEqual([prompt, files.map(({ id }) => id), said(other)], ["Hello", ["f1"], []]);
  const [[what, key]] = other.told;
  assert.equal(what, "withdrawn");
  one.actions.onWithdrawnElsewhere(key);
  assert.deepEqual([said(one), unsent("")], [[], []]);
  await one.actions.onConnected();
  assert.equal(one.asked.length, 1);
});

test("of what other tabs asked, one tells the number, and shows what no tab is known to have asked", async () => {
  const [one, other] = [tab(AWAY), tab(AWAY, {}, initialState, "other")];
  await one.actions.send("Hello");
  other.actions.showUnsent();
  assert.deepEqual([said(other), other.actions.countOtherUnsent(), one.actions.countOtherUnsent()], [[], 1, 0]);
  keep({ ...unsent("")[0], tab: undefined }); // as before tabs had names
  other.actions.showUnsent();
  assert.deepEqual([said(other), other.actions.countOtherUnsent()], [["Hello"], 0]);
});

test("a question is edited without the files that are only named", async () => {
  const gone = { ...FILE, id: "f2", error: "the file was not kept in the export" };
  const question = { id: "q", key: "q", role: "user", content: "Old", files: [FILE, gone] };
  const one = tab(accepted, {}, { ...initialState, conversationId: "c1", messages: [question] });
  await one.actions.edit("q", "New");
  assert.deepEqual(one.asked.map(({ prompt, attachments }) => [prompt, attachments]), [["New", ["f1"]]]);
});

test("what another tab has sent is no longer waited for here", async () => {
  const [one, other] = [tab(AWAY), tab(AWAY)];
  await one.actions.send("Hello");
  other.actions.showUnsent();
  await other.actions.onOtherTab("c1", one.asked[0].key);
  assert.equal(other.store.state.conversationId, "c1");
  await other.actions.onConnected();
  assert.equal(other.asked.length, 0);
});

test("a refusal leaves nothing to be sent later: at once it is the asker's, after a wait it comes back", async () => {
  const one = tab(REFUSED);
  assert.equal(await one.actions.send("No"), false);
  assert.deepEqual([said(one), one.store.state.returned, unsent(""), one.store.state.notice.text], [[], null, [], "no"]);
  let answers = AWAY;
  const later = tab((...asked) => answers(...asked));
  await later.actions.send("Later no", [FILE]);
  answers = REFUSED;
  await later.actions.onConnected();
  assert.deepEqual([said(later), later.store.state.returned.prompt, unsent("")], [[], "Later no", []]);
});

test("what changes an answer does not wait", async () => {
  const one = tab(AWAY);
  one.store.dispatch({ type: "conversation-opened", conversation: { id: "c1", title: "", messages: [{ id: "m", role: "assistant", status: "done", content: "x", tools: [], files: [], sources: [], steps: [] }] } });
  assert.equal(await one.actions.retry("m"), false);
  assert.deepEqual(unsent(""), []);
});

test("each element has its own; our own page sends what none of them may open again", async () => {
  const [left, right, page] = [tab(AWAY, { place: "left" }), tab(accepted, { place: "right" }), tab(accepted)];
  await left.actions.send("On the left");
  right.actions.showUnsent();
  await right.actions.onStarted();
  page.actions.showUnsent();
  assert.deepEqual([said(right), said(page), right.asked], [[], [], []]);
  await page.actions.onStarted();
  assert.deepEqual([page.asked.length, said(page), unsent("left")], [1, [], []]);
});

test("who signs in next on the same page sends nothing of the one before", async () => {
  readAs("ann");
  await tab(AWAY).actions.send("Hers");
  readAs("bob");
  const his = tab(accepted);
  his.actions.showUnsent();
  await his.actions.onStarted();
  await tab(AWAY).actions.send("His");
  assert.deepEqual([said(his), his.asked, unsent("").map(({ prompt }) => prompt)], [[], [], ["His"]]);
  readAs("ann");
  assert.deepEqual(unsent("").map(({ prompt }) => prompt), ["Hers"]);
  readAs("");
});

test("an element's instructions go with the first question of a conversation, also with files alone", async () => {
  const one = tab(accepted, { instructions: "Be brief." });
  await one.actions.send("", [FILE]);
  await one.actions.send("Next");
  const [first, next] = one.asked;
  assert.deepEqual(first.messages, [{ role: "system", content: "Be brief." }, { role: "user", content: "" }]);
  assert.deepEqual([first.attachments, next.messages, next.prompt], [["f1"], undefined, "Next"]);
});
