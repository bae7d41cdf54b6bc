// @ts-check
/**
 * What begins and ends answers: asking in several ways, stopping, and keeping a question while the
 * server cannot be reached. Nothing here knows the document. `Actions` adds the rest of what a
 * reader can do.
 */

import { detailOf, sentenceOf } from "./language.js";
import { ApiError } from "./server/api.js";
import { forget, keep, unsent } from "./server/outbox.js";
import { canSwitchThinking, effectiveAgent, effectiveChoice, effectiveTools, runningAnswer } from "./state/selectors.js";

/** @abstract `Actions` has `open`, `refreshConversations` and `refreshCatalogue` */
export class Asking {
  /**
   * @param {import("./state/store.js").Store} store
   * @param {typeof import("./server/api.js").api} api
   * @param {import("./server/tabs.js").Tabs} tabs
   */
  constructor(store, api, tabs) {
    this.store = store;
    this.api = api;
    this.tabs = tabs;
  }

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

  /** Asks for another answer in place of this one. @param {string} id */
  retry(id) {
    const { state } = this.store;
    const key = randomKey();
    this.store.dispatch({ type: "retry-sent", key, id, choice: effectiveChoice(state) });
    return this.#ask(key, { retry_of: id, ...settings(state) }, state.messages);
  }

  /**
   * Asks another question in place of this one, with the same files.
   * @param {string} id
   * @param {string} prompt
   */
  edit(id, prompt) {
    const { state } = this.store;
    const key = randomKey();
    const choice = effectiveChoice(state);
    const files = state.messages.find((each) => each.id === id)?.files ?? [];
    const attachments = files.map((file) => file.id);
    this.store.dispatch({ type: "edit-sent", key, id, prompt, files, choice, at: new Date().toISOString() });
    const fields = { edit_of: id, prompt, ...(files.length && { attachments }), ...settings(state) };
    return this.#ask(key, fields, state.messages);
  }

  /** Lets the model go on with an answer that was cut off. @param {string} id */
  goOn(id) {
    const { state } = this.store;
    const key = randomKey();
    this.store.dispatch({ type: "continue-sent", key, id, choice: effectiveChoice(state) });
    return this.#ask(key, { continue_of: id, ...settings(state) }, state.messages);
  }

  /** Stops the running answer. A question that was not sent yet is taken back. */
  async stop() {
    const answer = runningAnswer(this.store.state);
    if (!answer) return;
    if (answer.unsent) return this.#withdraw(answer.key);
    this.store.dispatch({ type: "answer-stopping", key: answer.key, stopping: true });
    if (answer.id) await this.#cancel(answer.key, answer.id);
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
   * Shows a failure as a notice.
   * @template T
   * @param {() => Promise<T>} request
   * @param {() => void} [onMissing]  called instead if there is no such thing
   * @returns {Promise<T|null>} null after a failure
   */
  async trying(request, onMissing) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (onMissing && error.status === 404) return onMissing(), null;
      if (error.isUnreachable) this.#lost();
      else this.store.dispatch({ type: "notice-shown", ...noticeOf(error) });
      return null;
    }
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
    this.#lost();
    return true;
  }

  #lost() {
    if (!this.store.state.connection) this.store.dispatch({ type: "connection-changed", connection: "away" });
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

/** @param {ApiError} error */
function noticeOf(error) {
  return { text: sentenceOf(error), detail: detailOf(error), traceId: error.traceId };
}

/** A UUID. Browsers have `crypto.randomUUID` only on HTTPS and localhost. */
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
