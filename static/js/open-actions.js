// @ts-check
/**
 * What a reader can do in the open conversation without asking: open it and its older messages,
 * choose among versions, decide about calls, set how answers are made. `Actions` adds the questions.
 */

import { ConversationActions } from "./conversation-actions.js";

export class OpenActions extends ConversationActions {
  #opening = 0;
  /** @type {Promise<void>|null} */ #loading = null;

  /**
   * If several are being opened, the last one wins.
   * @param {string} id
   * @param {boolean} [mayBeGone]  then a new chat takes its place
   * @returns {Promise<boolean>}
   */
  async open(id, mayBeGone = false) {
    const turn = (this.#opening += 1);
    const conversation = await this.trying(() => this.api.conversation(id), mayBeGone ? () => this.#gone(id) : undefined);
    if (!conversation || turn !== this.#opening) return false;
    this.store.dispatch({ type: "conversation-opened", conversation });
    return true;
  }

  /** @param {string} id */
  #gone(id) {
    this.store.dispatch({ type: "conversation-removed", id });
    if (id === this.store.state.conversationId) this.openNewChat();
  }

  openNewChat() {
    this.#opening += 1;
    this.store.dispatch({ type: "new-chat-opened" });
  }

  /**
   * Opens a conversation, and shows so much of it that this message is there, even if it is a
   * version that was not shown.
   * @param {string} id
   * @param {{message_id: string, shown: boolean}|null} hit
   */
  async reveal(id, hit) {
    if (id !== this.store.state.conversationId && !(await this.open(id))) return false;
    if (hit && !hit.shown) await this.choose(hit.message_id);
    const isThere = () => !hit || this.store.state.messages.some((each) => each.id === hit.message_id);
    while (!isThere() && this.store.state.older && id === this.store.state.conversationId) {
      const { older } = this.store.state;
      await this.loadOlder();
      if (this.store.state.older === older) return false; // the server refused
    }
    return isThere();
  }

  /** Shows another version of a message, and what followed it. @param {string} id */
  async choose(id) {
    const conversation = await this.trying(() => this.api.choose(id));
    if (!conversation || conversation.id !== this.store.state.conversationId) return;
    this.store.dispatch({ type: "conversation-opened", conversation });
    this.tabs.tell(conversation.id);
  }

  /** Shows the messages before those that are shown. Settles when they are, also if they were on their way. */
  loadOlder() {
    this.#loading ??= this.#loadOlder().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #loadOlder() {
    const { conversationId: id, older } = this.store.state;
    if (!id || !older) return;
    const page = await this.trying(() => this.api.older(id, older));
    if (page && this.store.state.older === older) this.store.dispatch({ type: "older-loaded", id, ...page });
  }

  /**
   * Sends a decision about a tool call, or what is said to a question of it; the log tells which
   * one holds.
   * @param {string} id
   * @param {string} call
   * @param {{decision?: "approved"|"denied", action?: string, content?: object, question?: string}} said
   */
  async decide(id, call, said) {
    this.store.dispatch({ type: "tool-deciding", id, call, deciding: said.decision ?? said.action });
    const done = await this.trying(() => this.api.decide(id, call, said));
    if (!done || said.action) this.store.dispatch({ type: "tool-deciding", id, call, deciding: null });
  }

  /**
   * @param {string|null} id  of the conversation; null begins one
   * @param {import("./state/types.js").Settings} settings
   */
  async set(id, settings) {
    const made = id ? { id } : await this.trying(() => this.api.create());
    if (!made || !(await this.trying(() => this.api.set(made.id, settings)))) return false;
    this.store.dispatch({ type: "settings-saved", id: made.id, settings });
    if (!id) await Promise.all([this.open(made.id), this.refreshConversations()]);
    this.tabs.tell(made.id);
    return true;
  }

  /** @param {File} file @returns {Promise<import("./state/types.js").Attached|null>} null after a failure */
  upload(file) {
    return this.trying(() => this.api.upload(file));
  }

  /** Nothing is lost if this fails: the server forgets it by itself. @param {string} id */
  forgetUpload(id) {
    return this.trying(() => this.api.forgetUpload(id));
  }

  /** The conversation's title and its place in the list may be new. */
  onAnswerEnded() {
    return this.refreshConversations();
  }

  async refreshCatalogue() {
    const catalogue = await this.trying(() => this.api.catalogue());
    if (catalogue) this.store.dispatch({ type: "catalogue-loaded", catalogue });
  }

  async refreshOffer() {
    const offer = await this.trying(() => this.api.offer());
    if (offer) this.store.dispatch({ type: "offer-loaded", offer });
  }
}
