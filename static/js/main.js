// @ts-check
/**
 * Wires the page: one chat, and around it the conversations, the address bar and the colour scheme.
 */

import { Chat } from "./chat.js";
import { hook } from "./dom/hooks.js";
import { arrived } from "./markdown/libraries.js";
import { initialState, reduce } from "./state/store.js";
import { ConversationMenu } from "./views/conversation-menu.js";
import { DrawerView } from "./views/drawer.js";
import { Router } from "./views/router.js";
import { ShortcutsView } from "./views/shortcuts.js";
import { SidebarView } from "./views/sidebar.js";
import { ThemeView } from "./views/theme.js";
import { answers } from "./views/thread.js";

const root = document.body;
const chat = new Chat(root, renderedState());
const { store, actions, liveAnswers } = chat;

new SidebarView(root, store, actions).start();
new ShortcutsView(root).start();
new ConversationMenu(root, store, actions).start();
new DrawerView(root).start();
new ThemeView(root).start();
new Router(root, store, actions).start();
chat.start();

store.addEventListener("change", loadShare);
loadShare();

addEventListener("pagehide", () => liveAnswers.stop());
addEventListener("pageshow", (event) => {
  if (event.persisted) liveAnswers.start();
});
await answers.arriving;
await arrived(); // a conversation that was rendered is then drawn as it stays
document.documentElement.dataset.ready = "";

/** Only a conversation can be shared. */
function loadShare() {
  if (!store.state.conversationId) return;
  store.removeEventListener("change", loadShare);
  import("./views/share.js").then(({ ShareView }) => new ShareView(root, store, actions).start());
}

/** What the server has rendered, as state. @returns {import("./state/types.js").State} */
function renderedState() {
  const { conversations, conversation } = JSON.parse(hook(root, "page-data").textContent ?? "");
  const state = { ...initialState, conversations };
  return conversation ? reduce(state, { type: "conversation-opened", conversation }) : state;
}
