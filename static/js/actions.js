// @ts-check
/**
 * What a reader can do in the open conversation, one method each; `ConversationActions` has the
 * rest. A method changes the store and asks the server; if the server refuses, it takes the change
 * back. Nothing here knows the document; the address bar is the
 * router's.
 */

import { ConversationActions, noticeOf } from "./conversation-actions.js";
import { ApiError } from "./server/api.js";
import { forget, keep, unsent } from "./server/outbox.js";
import { canSwitchThinking, effectiveAgent, effectiveChoice, effectiveTools, runningAnswer } from "./state/selectors.js";

export class Actions extends ConversationActions {
  #opening = 0;
  /** @type {Promise<void>|null} */ #loading = null;

  /**
   * @param {string} prompt
   * @param {import("./state/types.js").Attached[]} [files]
   * @returns {Promise<boolean>} whether the server accepted it
   */
  send(prompt, files = []) {
    const { state } = this.store;
    const key = randomKey();
    const choice = effectiveChoice(state);
    this.store.dispatch({ type: "question-sent", key, prompt, files, choice, at: new Date().toISOString() });
    const attachments = files.map(({ id }) => id);
    return this.#ask(key, { prompt, ...(files.length && { attachments }), ...settings(state) }, state.messages);
  }

  /** @param {File} file @returns {Promise<import("./state/types.js").Attached|null>} null after a failure */
  upload(file) {
    return this.trying(() => this.api.upload(file));
  }

  /** Nothing is lost if this fails: the server forgets it by itself. @param {string} id */
  forgetUpload(id) {
    return this.trying(() => this.api.forgetUpload(id));
  }

  /** Asks for another answer in place of this one. @param {string} id */
  retry(id) {
    const { state } = this.store;
    const key = randomKey();
    this.store.dispatch({ type: "retry-sent", key, id, choice: effectiveChoice(state) });
    return this.#ask(key, { retry_of: id, ...settings(state) }, state.messages);
  }

  /**
   * Asks another question in place of this one, with the same files. If the server refuses, its
   * words come back into the prompt.
   * @param {string} id
   * @param {string} prompt
   */
  async edit(id, prompt) {
    const { state } = this.store;
    const key = randomKey();
    const choice = effectiveChoice(state);
    const files = state.messages.find((each) => each.id === id)?.files ?? [];
    const attachments = files.map((file) => file.id);
    this.store.dispatch({ type: "edit-sent", key, id, prompt, files, choice, at: new Date().toISOString() });
    const fields = { edit_of: id, prompt, ...(files.length && { attachments }), ...settings(state) };
    if (await this.#ask(key, fields, state.messages)) return;
    const { conversationId } = state;
    this.store.dispatch({ type: "question-withdrawn", key, returned: { conversationId, prompt, files: [] } });
  }

  /** Lets the model go on with an answer that was cut off. @param {string} id */
  goOn(id) {
    const { state } = this.store;
    const key = randomKey();
    this.store.dispatch({ type: "continue-sent", key, id, choice: effectiveChoice(state) });
    return this.#ask(key, { continue_of: id, ...settings(state) }, state.messages);
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
   * Stops the running answer. A question that was not sent yet is taken back.
   */
  async stop() {
    const answer = runningAnswer(this.store.state);
    if (!answer) return;
    if (answer.unsent) return this.#withdraw(answer.key);
    this.store.dispatch({ type: "answer-stopping", key: answer.key, stopping: true });
    if (answer.id) await this.#cancel(answer.key, answer.id);
  }

  /** Whether the server can be reached. */
  isThere() {
    return this.api.ping();
  }

  /** Sends what waited over a reload. */
  async onStarted() {
    if (unsent().length) await this.onConnected();
  }

  /** The server can be reached again: sends what waits, each question once, by its key. */
  async onConnected() {
    this.refreshConversations();
    if (!this.store.state.catalogue.providers.length) this.refreshCatalogue();
    for (const { key, fields } of unsent()) await this.#ask(key, fields, this.store.state.messages);
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

  async refreshCatalogue() {
    const catalogue = await this.trying(() => this.api.catalogue());
    if (catalogue) this.store.dispatch({ type: "catalogue-loaded", catalogue });
  }

  async refreshOffer() {
    const offer = await this.trying(() => this.api.offer());
    if (offer) this.store.dispatch({ type: "offer-loaded", offer });
  }

  /**
   * @param {string} key
   * @param {object} fields
   * @param {import("./state/types.js").ShownMessage[]} before
   */
  async #ask(key, fields, before) {
    try {
      const accepted = await this.api.ask(fields, key);
      this.#accepted(key, accepted);
      forget(key);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.isUnreachable && "prompt" in fields && !("edit_of" in fields)) return this.#hold(key, fields);
      if (this.#withdraw(key)) this.store.dispatch({ type: "notice-shown", ...noticeOf(error) });
      else if (this.#holds(key)) this.store.dispatch({ type: "answer-refused", messages: before, ...noticeOf(error) });
      return false;
    }
  }

  /** Keeps the question until the server can be reached; also over a reload. @param {string} key @param {object} fields */
  #hold(key, fields) {
    keep(key, fields);
    this.store.dispatch({ type: "question-held", key });
    this.lost();
    return true;
  }

  /** Gives a question that waited back to its reader. @param {string} key @returns {boolean} whether it did */
  #withdraw(key) {
    const fields = forget(key);
    if (!fields) return false;
    const asked = this.store.state.messages.find((each) => each.key === `${key}?`);
    const files = asked?.files.map((file) => ({ ...file, key: file.id })) ?? [];
    const { prompt, conversation_id: conversationId } = fields;
    this.store.dispatch({ type: "question-withdrawn", key, returned: { conversationId, prompt, files } });
    return true;
  }

  /**
   * Meanwhile the reader may have opened another conversation, or pressed Stop.
   * @param {string} key
   * @param {{id: string, conversation_id: string, parent: string|null, events_url: string}} reply
   */
  #accepted(key, reply) {
    const answer = this.#holds(key);
    if (answer) this.store.dispatch({ type: "answer-accepted", key, ...reply });
    else if (this.#shows(reply.conversation_id)) this.open(reply.conversation_id);
    if (answer?.stopping) this.#cancel(key, reply.id);
    this.tabs.tell(reply.conversation_id);
    this.refreshConversations();
  }

  /** Also if nothing else is shown: a question was sent that waited over a reload. @param {string} id */
  #shows(id) {
    const { conversationId, messages } = this.store.state;
    return conversationId === id || (conversationId === null && !messages.length);
  }

  /** @param {string} key */
  #holds(key) {
    return this.store.state.messages.find((each) => each.key === key);
  }

  /** @param {string} key @param {string} id */
  async #cancel(key, id) {
    const done = await this.trying(() => this.api.cancel(id).then(() => true));
    if (!done) this.store.dispatch({ type: "answer-stopping", key, stopping: false });
  }
}

/** @param {import("./state/types.js").State} state */
function settings(state) {
  const { conversationId: conversation_id } = state;
  const thinking = canSwitchThinking(state) ? state.thinking : null;
  const [tools, agent] = [effectiveTools(state), effectiveAgent(state)];
  return { conversation_id, ...effectiveChoice(state), thinking, ...(tools && { tools }), ...(agent && { agent }) };
}

/** A UUID. Browsers have `crypto.randomUUID` only on HTTPS and localhost. */
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
