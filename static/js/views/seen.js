// @ts-check
/**
 * Tells the server what was seen: the last message of the open conversation, while the page is in
 * view. And looks how the others stand for as long as one of them is at work.
 */

import { hook } from "../dom/hooks.js";
import { t } from "../language.js";
import { waitsElsewhere } from "../state/selectors.js";
import { View } from "./view.js";

const LOOK_EVERY_MS = 5000;

export class SeenView extends View {
  #seen = "";
  /** @type {number|undefined} */ #timer;

  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
  }

  start() {
    this.on(this.store, "change", ({ detail }) => this.#announce(detail));
    this.on(this.store, "change", () => this.#onChange());
    this.on(document, "visibilitychange", () => this.#onChange());
    this.#onChange();
  }

  stop() {
    super.stop();
    clearTimeout(this.#timer);
  }

  #onChange() {
    if (document.hidden) return;
    this.#see();
    this.#timer ??= this.#isOtherAtWork() ? setTimeout(() => this.#look(), LOOK_EVERY_MS) : undefined;
  }

  #see() {
    const { conversationId, messages, conversations } = this.store.state;
    const last = messages[messages.length - 1];
    const isNew = last?.watched || conversations.some(({ id, unread }) => id === conversationId && unread);
    if (!conversationId || !last?.id || last.status !== "done" || last.id === this.#seen || !isNew) return;
    this.#seen = last.id;
    this.actions.see(conversationId, last.id);
  }

  /** For who does not see the list. @param {import("../state/types.js").Change} change */
  #announce({ state, previous }) {
    const waits = waitsElsewhere(state);
    if (waits && waits.id !== waitsElsewhere(previous)?.id) {
      hook(this.root, "announcer").textContent = t("“{title}” waits for you.", { title: waits.title });
    }
  }

  async #look() {
    this.#timer = undefined;
    if (!document.hidden) await this.actions.refreshConversations();
  }

  #isOtherAtWork() {
    const { conversations, conversationId } = this.store.state;
    return conversations.some(({ id, running }) => running && id !== conversationId);
  }
}
