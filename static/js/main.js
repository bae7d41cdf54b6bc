// @ts-check
/**
 * Wires the page: one chat, and around it the conversations, the address bar and the colour scheme.
 */

import { Chat } from "./chat.js";
import { hook } from "./dom/hooks.js";
import { arrived, readyToDraw } from "./markdown/libraries.js";
import { initialState, reduce } from "./state/store.js";
import { ConversationMenu } from "./views/conversation-menu.js";
import { DrawerView } from "./views/drawer.js";
import { Router } from "./views/router.js";
import { SidebarView } from "./views/sidebar.js";
import { ThemeView } from "./views/theme.js";

const root = document.body;
const state = renderedState();
if (state.messages.length) await readyToDraw();
const chat = new Chat(root, state);
const { store, actions, liveAnswers } = chat;

new SidebarView(root, store, actions).start();
new ConversationMenu(root, store, actions).start();
new DrawerView(root).start();
new ThemeView(root).start();
new Router(root, store, actions).start();
chat.start();

addEventListener("pagehide", () => liveAnswers.stop());
addEventListener("pageshow", (event) => {
  if (event.persisted) liveAnswers.start();
});
await arrived(); // a conversation that was rendered is then drawn as it stays
document.documentElement.dataset.ready = "";

/** What the server has rendered, as state. @returns {import("./state/types.js").State} */
function renderedState() {
  const { conversations, conversation } = JSON.parse(hook(root, "page-data").textContent ?? "");
  const state = { ...initialState, conversations };
  return conversation ? reduce(state, { type: "conversation-opened", conversation }) : state;
}
