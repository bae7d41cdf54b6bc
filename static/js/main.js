// @ts-check
/**
 * Wires the page: one chat, and around it the conversations, the address bar and the colour scheme.
 */

import { Chat } from "./chat.js";
import { hook } from "./dom/hooks.js";
import { arrived, readyToDraw } from "./markdown/libraries.js";
import { initialState, reduce } from "./state/store.js";
import { DrawerView } from "./views/drawer.js";
import { OnDemand } from "./views/on-demand.js";
import { Router } from "./views/router.js";
import { SeenView } from "./views/seen.js";
import { ShortcutsView } from "./views/shortcuts.js";
import { SidebarView } from "./views/sidebar.js";
import { ThemeView } from "./views/theme.js";
import { answers } from "./views/thread.js";

const root = document.body;
const state = renderedState();
if (state.messages.length) await readyToDraw();
const chat = new Chat(root, state);
const { store, actions, liveAnswers } = chat;

new SidebarView(root, store, actions).start();
new ShortcutsView(root).start();
new OnDemand(root, store, actions).start();
new SeenView(root, store, actions).start();
new DrawerView(root).start();
new ThemeView(root).start();
new Router(root, store, actions).start();
chat.start();

addEventListener("pagehide", () => liveAnswers.stop());
addEventListener("pageshow", (event) => {
  if (event.persisted) liveAnswers.start();
});
await answers.arriving;
await arrived(); // a conversation that was rendered is then drawn as it stays
document.documentElement.dataset.ready = "";

/** What the server has rendered, as state. @returns {import("./state/types.js").State} */
function renderedState() {
  const { recent, conversation } = JSON.parse(hook(root, "page-data").textContent ?? "");
  const state = reduce(initialState, { type: "conversations-loaded", ...recent });
  return conversation ? reduce(state, { type: "conversation-opened", conversation }) : state;
}
