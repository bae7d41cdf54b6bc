// @ts-check
/**
 * One chat below one element: its store, its connection to the server and its views. A page may
 * hold several, also inside shadow roots; each finds its markup (see templates/chat.html) below its
 * own root. The prompt comes first: it takes a question while the other views (chat-views.js) are
 * still on their way. The parts that a page has once, such as the address bar, are in main.js.
 */

import { Actions } from "./actions.js";
import { needed } from "./dom/part.js";
import { api } from "./server/api.js";
import { Tabs } from "./server/tabs.js";
import { hasAnswerEnded } from "./state/selectors.js";
import { initialState, Store } from "./state/store.js";
import { remembered } from "./views/choices.js";
import { ComposerView } from "./views/composer.js";
import { NoticeView } from "./views/notice.js";
import { View } from "./views/view.js";

/**
 * What differs from our own page if it stands elsewhere.
 * @typedef {object} Setting
 * @property {string} [instructions]  what the model is told first in a new conversation
 * @property {string} [place]         a name of its own among the chats of this browser
 */

export class Chat extends View {
  #stopping = new AbortController();
  /** @type {import("./server/live-answers.js").LiveAnswers|null} */ #liveAnswers = null;

  /** @param {HTMLElement} root @param {import("./state/types.js").State} [state] @param {Setting} [setting] */
  constructor(root, state = initialState, setting = {}) {
    super(root);
    const store = new Store({ ...state, ...remembered() });
    this.store = store;
    this.tabs = new Tabs();
    this.actions = new Actions(store, api, this.tabs, setting);
    /** @type {View[]} */
    this.views = [new NoticeView(root, store), new ComposerView(root, store, this.actions)];
  }

  /** A question can be asked once this returns; the promise settles when all of the chat is there. */
  start() {
    for (const view of this.views) view.start();
    this.on(this.store, "change", ({ detail: { state, previous } }) => {
      if (hasAnswerEnded(state, previous)) this.actions.onAnswerEnded();
    });
    this.tabs.start({
      onChanged: (conversationId, sent) => this.actions.onOtherTab(conversationId, sent),
      onWithdrawn: (key) => this.actions.onWithdrawnElsewhere(key),
    });
    this.actions.refreshCatalogue();
    this.actions.refreshOffer();
    return this.#complete();
  }

  async #complete() {
    const { signal } = this.#stopping;
    const loaded = await needed(this.root, () => import("./chat-views.js"), signal);
    if (!loaded || signal.aborted) return;
    const { views, liveAnswers } = await loaded.viewsOf(this.root, this.store, this.actions);
    if (signal.aborted) return;
    this.views.push(...views);
    for (const view of views) view.start();
    this.#liveAnswers = liveAnswers;
    liveAnswers.start();
  }

  /** Nobody looks: the page may be kept, but without a connection. */
  pause() {
    this.#liveAnswers?.stop();
  }

  resume() {
    this.#liveAnswers?.start();
  }

  stop() {
    super.stop();
    this.#stopping.abort();
    this.tabs.stop();
    this.pause();
    for (const view of this.views) view.stop();
  }
}
