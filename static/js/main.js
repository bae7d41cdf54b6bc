// @ts-check
/** The page's one place where its parts are made and wired. */

import { Actions } from "./actions.js";
import { api } from "./api.js";
import { hook } from "./dom.js";
import { Following } from "./following.js";
import { Router } from "./router.js";
import { initialState, reduce, runningAnswer, Store } from "./store.js";
import { Tabs } from "./tabs.js";
import { ComposerView } from "./views/composer.js";
import { DrawerView, NoticeView, startCopyButtons, ThemeView } from "./views/frame.js";
import { OfferView, rememberedOffer } from "./views/offer.js";
import { StickToEnd } from "./views/scroll.js";
import { rememberedSettings, SettingsView } from "./views/settings.js";
import { SidebarView } from "./views/sidebar.js";
import { ThreadView } from "./views/thread.js";

const store = new Store({ ...renderedState(), ...rememberedSettings(), ...rememberedOffer() });
const tabs = new Tabs();
const actions = new Actions(store, api, tabs);
const router = new Router(store, actions);
const following = new Following(store, api);
const scroll = new StickToEnd(hook(document, "scroller"), hook(document, "jump"));

scroll.start();
new ThreadView(store, actions, scroll).start();
new SidebarView(store, actions, router).start();
new SettingsView(store).start();
new OfferView(store, actions).start();
new ComposerView(store, actions).start();
for (const view of [new DrawerView(), new NoticeView(store), new ThemeView()]) view.start();
startCopyButtons();
router.start();
following.start();
actions.refreshCatalogue();
actions.refreshOffer();

store.addEventListener("change", (event) => {
  const { state, previous } = /** @type {CustomEvent} */ (event).detail;
  if (runningAnswer(previous) && !runningAnswer(state)) actions.refreshConversations(); // its title and place may be new
});
tabs.onChange(async (conversationId) => {
  await actions.refreshConversations();
  const { state } = store;
  if (conversationId !== state.conversationId || runningAnswer(state)?.id === "") return;
  if (state.conversations.some((each) => each.id === conversationId)) await actions.open(conversationId);
  else await router.go("/");
});
addEventListener("pagehide", () => following.stop());
addEventListener("pageshow", (event) => {
  if (event.persisted) following.start();
});
document.documentElement.dataset.ready = "";

/** What the server has rendered, as state. @returns {import("./types.js").State} */
function renderedState() {
  const { conversations, conversation } = JSON.parse(document.getElementById("page-data")?.textContent ?? "{}");
  if (!conversation) return { ...initialState, conversations };
  return reduce({ ...initialState, conversations }, { type: "conversation-opened", conversation });
}
