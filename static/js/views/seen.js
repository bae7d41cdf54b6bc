// @ts-check
/**
 * Tells the server what was seen: the last message of the open conversation, while the page is in
 * view. And looks how the others stand for as long as one of them is at work, in view or not.
 */

import { announce } from "../dom/hooks.js";
import { t } from "../language.js";
import { newlyWaiting } from "../state/selectors.js";
import { View } from "./view.js";

const LOOK_EVERY_MS = 5000;
/** Its title tells a reader who is elsewhere that a conversation waits. */
const LOOK_HIDDEN_EVERY_MS = 10_000;

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
    this.on(document, "visibilitychange", () => this.#onVisibility());
    this.#onChange();
  }

  stop() {
    super.stop();
    clearTimeout(this.#timer);
  }

  #onVisibility() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#onChange();
  }

  #onChange() {
    if (!document.hidden) this.#see();
    const pause = document.hidden ? LOOK_HIDDEN_EVERY_MS : LOOK_EVERY_MS;
    this.#timer ??= this.#isOtherAtWork() ? setTimeout(() => this.#look(), pause) : undefined;
  }

  #see() {
    const { conversationId, messages, conversations } = this.store.state;
    const last = messages[messages.length - 1];
    const isNew = last?.watched || conversations.some(({ id, unread }) => id === conversationId && unread);
    if (!conversationId || !last?.id || last.status !== "done" || last.id === this.#seen || !isNew) return;
    this.#seen = last.id;
    this.actions.see(conversationId, last.id);
  }

  /** To a reader who does not see the list. @param {import("../state/types.js").Change} change */
  #announce(change) {
    const words = newlyWaiting(change).map(({ title }) => t("“{title}” waits for you.", { title: title || t("New chat") }));
    if (words.length) announce(this.root, words.join(" "));
  }

  async #look() {
    this.#timer = undefined;
    await this.actions.refreshConversations();
  }

  #isOtherAtWork() {
    const { conversations, conversationId } = this.store.state;
    return conversations.some(({ id, running }) => running && id !== conversationId);
  }
}
