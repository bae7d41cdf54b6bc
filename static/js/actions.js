// @ts-check
/**
 * What a reader can do, one method each. A method changes the store and asks the server; if the
 * server refuses, it takes the change back. Nothing here knows the document; the address bar is the
 * router's. `asking.js` has what begins and ends answers.
 */

import { Asking } from "./asking.js";
import { runningAnswer } from "./state/selectors.js";

export class Actions extends Asking {
  #opening = 0;
  #loading = false;
  #listing = false;

  /** @param {File} file @returns {Promise<import("./state/types.js").Attached|null>} null after a failure */
  upload(file) {
    return this.trying(() => this.api.upload(file));
  }

  /** Nothing is lost if this fails: the server forgets it by itself. @param {string} id */
  forgetUpload(id) {
    return this.trying(() => this.api.forgetUpload(id));
  }

  /** Shows another version of a message, and what followed it. @param {string} id */
  async choose(id) {
    const conversation = await this.trying(() => this.api.choose(id));
    if (!conversation || conversation.id !== this.store.state.conversationId) return;
    this.store.dispatch({ type: "conversation-opened", conversation });
    this.tabs.tell(conversation.id);
  }

  /** Shows the messages before those that are shown. */
  async loadOlder() {
    const { conversationId: id, older } = this.store.state;
    if (!id || !older || this.#loading) return;
    this.#loading = true;
    const page = await this.trying(() => this.api.older(id, older));
    this.#loading = false;
    if (page && this.store.state.older === older) this.store.dispatch({ type: "older-loaded", id, ...page });
  }

  /** Whether the server can be reached. */
  isThere() {
    return this.api.ping();
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

  /** The conversation's title and its place in the list may be new. */
  onAnswerEnded() {
    return this.refreshConversations();
  }

  /**
   * Another tab changed this conversation: shows it as it is now, or a new chat if it was deleted.
   * @param {string} id
   */
  async onOtherTab(id) {
    await this.refreshConversations();
    const { state } = this.store;
    const isAsking = runningAnswer(state)?.id === ""; // this tab's own question is on its way
    if (id === state.conversationId && !isAsking) await this.open(id, true);
  }

  openNewChat() {
    this.#opening += 1;
    this.store.dispatch({ type: "new-chat-opened" });
  }

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

  /** @param {string} id @param {string} title */
  async rename(id, title) {
    const before = this.store.state.conversations.find((each) => each.id === id);
    this.store.dispatch({ type: "conversation-changed", id, title });
    const done = await this.trying(() => this.api.rename(id, title).then(() => true));
    if (!done && before) this.store.dispatch({ type: "conversation-changed", id, title: before.title });
    this.tabs.tell(id);
  }

  /** Keeps it at the top of the list, or no longer. @param {string} id @param {boolean} pinned */
  async pin(id, pinned) {
    if (await this.trying(() => this.api.pin(id, pinned).then(() => true))) await this.refreshConversations();
    this.tabs.tell(id);
  }

  /** Its last message is before the reader's eyes. @param {string} id @param {string} message */
  async see(id, message) {
    this.store.dispatch({ type: "conversation-changed", id, unread: false });
    await this.trying(() => this.api.see(id, message).then(() => true));
  }

  /** `restore` brings it back. @param {string} id */
  async remove(id) {
    const done = await this.trying(() => this.api.remove(id).then(() => true));
    if (!done) return false;
    this.store.dispatch({ type: "conversation-removed", id });
    this.tabs.tell(id);
    return true;
  }

  /** @param {string} id @returns {Promise<boolean>} */
  async restore(id) {
    const back = await this.trying(() => this.api.restore(id));
    if (!back) return false;
    await this.refreshConversations();
    this.tabs.tell(id);
    return true;
  }

  /** What stands in all conversations. @param {string} words @param {string} before  of a further page */
  find(words, before) {
    return this.trying(() => this.api.find(words, before));
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

  /** How a conversation's answers are made. @param {string} id */
  async settings(id) {
    return (await this.trying(() => this.api.conversation(id)))?.settings ?? null;
  }

  /**
   * @param {string|null} id  of the conversation; null begins one
   * @param {import("./state/types.js").Settings} settings
   */
  async set(id, settings) {
    const made = id ? { id } : await this.trying(() => this.api.create());
    if (!made || !(await this.trying(() => this.api.set(made.id, settings)))) return false;
    if (!id) await this.open(made.id);
    return true;
  }

  /** Stores a conversation from a file. @param {string} json @returns {Promise<string|null>} its id */
  async bring(json) {
    return (await this.trying(() => this.api.bring(json)))?.id ?? null;
  }

  /** The link to a conversation. @param {string} id @returns {Promise<string>} empty if it is not shared */
  async shared(id) {
    return (await this.trying(() => this.api.shared(id)))?.url ?? "";
  }

  /** @param {string} id @returns {Promise<string>} the link; empty after a failure */
  async share(id) {
    return (await this.trying(() => this.api.share(id)))?.url ?? "";
  }

  /** Takes the link back. @param {string} id @returns {Promise<boolean>} whether it is gone */
  async unshare(id) {
    return Boolean(await this.trying(() => this.api.unshare(id).then(() => true)));
  }

  async refreshConversations() {
    const loaded = await this.trying(() => this.api.conversations());
    if (loaded) this.store.dispatch({ type: "conversations-loaded", ...loaded });
  }

  /** The next page of the list. */
  async moreConversations() {
    const { more } = this.store.state;
    if (!more || this.#listing) return;
    this.#listing = true;
    const page = await this.trying(() => this.api.conversations(more));
    this.#listing = false;
    if (page && this.store.state.more === more) this.store.dispatch({ type: "conversations-added", ...page });
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
