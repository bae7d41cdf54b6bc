// @ts-check
/**
 * Wires the page: one chat, and around it (page-views.js) the conversations, the address bar and
 * the colour scheme.
 */

import { Chat } from "./chat.js";
import { hook } from "./dom/hooks.js";
import { needed } from "./dom/part.js";
import { initialState, reduce } from "./state/store.js";

const root = document.body;
const chat = new Chat(root, renderedState());
const { store, actions } = chat;
const started = chat.start();
performance.mark("usable");
fetchLater();
addEventListener("pagehide", () => chat.pause());
addEventListener("pageshow", (event) => {
  if (event.persisted) chat.resume();
});

const views = await needed(root, () => import("./page-views.js"));
views?.startViews(root, store, actions);
await started;
await views?.drawn(); // a conversation that was rendered is then drawn as it stays
document.documentElement.dataset.ready = "";

/** All that is imported from now on is asked for at once; before, it would have kept the prompt waiting. */
function fetchLater() {
  const later = root.querySelector("template[data-later]"); // none beside answers, whose page is useless without
  if (later instanceof HTMLTemplateElement) document.head.append(later.content);
}

/** What the server has rendered, as state. @returns {import("./state/types.js").State} */
function renderedState() {
  const { recent, conversation } = JSON.parse(hook(root, "page-data").textContent ?? "");
  const state = reduce(initialState, { type: "conversations-loaded", ...recent });
  return conversation ? reduce(state, { type: "conversation-opened", conversation }) : state;
}
