// @ts-check
/** The page's one place where its parts are made and wired. */

import { Actions } from "./actions.js";
import { startCopyButtons } from "./dom/clipboard.js";
import { hook } from "./dom/hooks.js";
import { api } from "./server/api.js";
import { LiveAnswers } from "./server/live-answers.js";
import { Tabs } from "./server/tabs.js";
import { runningAnswer } from "./state/selectors.js";
import { initialState, reduce, Store } from "./state/store.js";
import { ComposerView } from "./views/composer.js";
import { DrawerView } from "./views/drawer.js";
import { ModelPicker, rememberedModel } from "./views/model-picker.js";
import { NoticeView } from "./views/notice.js";
import { Router } from "./views/router.js";
import { SidebarView } from "./views/sidebar.js";
import { StickyScroll } from "./views/sticky-scroll.js";
import { ThemeView } from "./views/theme.js";
import { ThreadView } from "./views/thread.js";
import { rememberedTools, ToolPicker } from "./views/tool-picker.js";

const store = new Store({ ...renderedState(), ...rememberedModel(), ...rememberedTools() });
const tabs = new Tabs();
const actions = new Actions(store, api, tabs);
const router = new Router(store, actions);
const liveAnswers = new LiveAnswers(store, api);
const scroll = new StickyScroll(hook(document, "scroller"), hook(document, "jump"));

scroll.start();
new ThreadView(store, actions, scroll).start();
new SidebarView(store, actions, router).start();
new ModelPicker(store).start();
new ToolPicker(store, actions).start();
new ComposerView(store, actions).start();
for (const view of [new DrawerView(), new NoticeView(store), new ThemeView()]) view.start();
startCopyButtons();
router.start();
liveAnswers.start();
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
addEventListener("pagehide", () => liveAnswers.stop());
addEventListener("pageshow", (event) => {
  if (event.persisted) liveAnswers.start();
});
document.documentElement.dataset.ready = "";

/** What the server has rendered, as state. @returns {import("./state/types.js").State} */
function renderedState() {
  const { conversations, conversation } = JSON.parse(document.getElementById("page-data")?.textContent ?? "{}");
  if (!conversation) return { ...initialState, conversations };
  return reduce({ ...initialState, conversations }, { type: "conversation-opened", conversation });
}
