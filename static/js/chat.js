// @ts-check
/**
 * One chat below one element: its store, its connection to the server and its views. A page may
 * hold several, also inside shadow roots; each finds its markup (see templates/chat.html) below its
 * own root. The parts that a page has once, such as the address bar, are in main.js.
 */

import { Actions } from "./actions.js";
import { hook } from "./dom/hooks.js";
import { markdown } from "./markdown/libraries.js";
import { api } from "./server/api.js";
import { LiveAnswers } from "./server/live-answers.js";
import { Tabs } from "./server/tabs.js";
import { hasAnswerEnded } from "./state/selectors.js";
import { initialState, Store } from "./state/store.js";
import { AttachView } from "./views/attach.js";
import { ComposerView } from "./views/composer.js";
import { ConnectionView } from "./views/connection.js";
import { ModelPicker, rememberedModel } from "./views/model-picker.js";
import { NoticeView } from "./views/notice.js";
import { OlderView } from "./views/older.js";
import { PinnedView } from "./views/pinned.js";
import { QueueView } from "./views/queue.js";
import { StickyScroll } from "./views/sticky-scroll.js";
import { ThreadView } from "./views/thread.js";
import { rememberedTools, ToolPicker } from "./views/tool-picker.js";
import { View } from "./views/view.js";

/**
 * What differs from our own page if it stands elsewhere.
 * @typedef {object} Setting
 * @property {string} [instructions]  what the model is told first in a new conversation
 * @property {string} [place]         a name of its own among the chats of this browser
 */

export class Chat extends View {
  /** @param {HTMLElement} root @param {import("./state/types.js").State} [state] @param {Setting} [setting] */
  constructor(root, state = initialState, setting = {}) {
    super(root);
    const store = new Store({ ...state, ...rememberedModel(), ...rememberedTools() });
    this.store = store;
    this.tabs = new Tabs();
    this.actions = new Actions(store, api, this.tabs, setting);
    this.liveAnswers = new LiveAnswers(store, api);
    const scroll = new StickyScroll(root);
    this.views = [
      scroll,
      new ThreadView(root, store, this.actions, scroll),
      new OlderView(root, store, this.actions),
      new ModelPicker(root, store),
      new ToolPicker(root, store, this.actions),
      new AttachView(root, store, this.actions),
      new ComposerView(root, store, this.actions),
      new ConnectionView(root, store, this.actions, this.liveAnswers),
      new PinnedView(root, store),
      new QueueView(root, store),
      new NoticeView(root, store),
    ];
  }

  start() {
    for (const view of this.views) view.start();
    this.liveAnswers.start();
    this.on(this.store, "change", ({ detail: { state, previous } }) => {
      if (hasAnswerEnded(state, previous)) this.actions.onAnswerEnded();
    });
    this.tabs.start({
      onChanged: (conversationId, sent) => this.actions.onOtherTab(conversationId, sent),
      onWithdrawn: (key) => this.actions.onWithdrawnElsewhere(key),
    });
    this.on(hook(this.root, "prompt"), "input", () => markdown.get(), { once: true }); // an answer will come
    this.actions.refreshCatalogue();
    this.actions.refreshOffer();
  }

  stop() {
    super.stop();
    this.tabs.stop();
    this.liveAnswers.stop();
    for (const view of this.views) view.stop();
  }
}
