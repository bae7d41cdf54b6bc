// @ts-check
/**
 * What a reader can ask and stop, one method each; `OpenActions` and `ConversationActions` have the
 * rest. A method changes the store and asks the server; if the server refuses, it takes the change
 * back, and if the server cannot be reached, a question waits. Nothing here knows the document; the
 * address bar is the router's.
 */

import { noticeOf } from "./conversation-actions.js";
import { OpenActions } from "./open-actions.js";
import { ApiError } from "./server/api.js";
import { forget, isKept, keep, unsent } from "./server/outbox.js";
import { canSwitchThinking, effectiveAgent, effectiveChoice, effectiveTools, runningAnswer } from "./state/selectors.js";

const ON_ITS_WAY_MS = 10_000; // on a connection that is gone a request may hang for minutes

export class Actions extends OpenActions {
  /** The keys of the questions that are on their way, and since when. @type {Map<string, number>} */ #asking = new Map();

  /**
   * @param {import("./state/store.js").Store} store
   * @param {typeof import("./server/api.js").api} api
   * @param {import("./server/tabs.js").Tabs} tabs
   * @param {import("./chat.js").Setting} setting
   */
  constructor(store, api, tabs, { instructions = "", place = "" }) {
    super(store, api, tabs);
    this.instructions = instructions;
    this.place = place;
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
    const said = this.instructions && !state.conversationId ? withInstructions(this.instructions, prompt) : { prompt };
    return this.#ask(key, { ...said, ...(files.length && { attachments }), ...settings(state) }, state.messages);
  }

  /** Asks for another answer in place of this one. @param {string} id */
  retry(id) {
    const { state } = this.store;
    const key = randomKey();
    this.store.dispatch({ type: "retry-sent", key, id, choice: effectiveChoice(state) });
    return this.#ask(key, { retry_of: id, ...settings(state) }, state.messages);
  }

  /**
   * Asks another question in place of this one, with the files that it has. If the server refuses,
   * its words come back into the prompt.
   * @param {string} id
   * @param {string} prompt
   */
  async edit(id, prompt) {
    const { state } = this.store;
    const key = randomKey();
    const choice = effectiveChoice(state);
    const files = state.messages.find((each) => each.id === id)?.files.filter(({ error }) => !error) ?? [];
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

  /** Shows the question of this conversation that waited over a reload. */
  showUnsent() {
    const { state } = this.store;
    const held = unsent(this.place).find((each) => each.fields.conversation_id === state.conversationId && this.#isHere(each));
    if (!held || runningAnswer(state)) return;
    const { key, prompt, files } = held;
    this.store.dispatch({ type: "question-sent", key, prompt, files, choice: effectiveChoice(state), at: new Date().toISOString() });
    this.store.dispatch({ type: "question-held", key });
  }

  /** How many questions wait that are not shown here: of other tabs, and of other conversations. */
  countOtherUnsent() {
    return unsent(this.place).filter(({ key }) => !this.#holds(key)).length;
  }

  /** Sends what waited over a reload. */
  async onStarted() {
    if (unsent(this.place).length) await this.onConnected();
  }

  /** The server can be reached again: sends what waits, each question once, by its key. */
  async onConnected() {
    this.refreshConversations();
    if (!this.store.state.catalogue.providers.length) this.refreshCatalogue();
    for (const { key, fields } of unsent(this.place)) {
      const isOnItsWay = Date.now() - (this.#asking.get(key) ?? -Infinity) < ON_ITS_WAY_MS;
      if (!isOnItsWay && isKept(key)) await this.#ask(key, fields, this.store.state.messages); // one may have arrived since
    }
  }

  /**
   * Another tab changed this conversation: shows it as it is now, or a new chat if it was deleted.
   * @param {string} id
   * @param {string} [sent]  the key of the question that the other tab has asked in it
   */
  async onOtherTab(id, sent = "") {
    if (this.#holds(sent)?.unsent) {
      forget(sent); // it waited here, too
      return this.open(id);
    }
    await this.refreshConversations();
    const { state } = this.store;
    const isAsking = runningAnswer(state)?.id === ""; // this tab's own question is on its way
    if (id === state.conversationId && !isAsking) await this.open(id, true);
  }

  /** Another tab took back a question that waited for the connection. @param {string} key */
  onWithdrawnElsewhere(key) {
    forget(key);
    if (this.#holds(key)?.unsent) this.store.dispatch({ type: "question-withdrawn", key, returned: null });
  }

  /**
   * A new question is kept until the server says that it has it: a reload meanwhile loses nothing.
   * @param {string} key
   * @param {object} fields
   * @param {import("./state/types.js").ShownMessage[]} before
   */
  async #ask(key, fields, before) {
    const waited = isKept(key);
    if (!waited && mayWait(fields)) this.#keep(key, fields);
    const [isWaitedFor, since] = [isKept(key), Date.now()];
    this.#asking.set(key, since);
    try {
      const accepted = await this.api.ask(fields, key);
      this.#accepted(key, accepted);
      forget(key);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (isWaitedFor && !isKept(key)) return true; // it was sent again meanwhile, and settled
      if (error.isUnreachable && mayWait(fields)) return this.#hold(key);
      if (waited && this.#withdraw(key)) this.store.dispatch({ type: "notice-shown", ...noticeOf(error) });
      forget(key);
      if (!waited && this.#holds(key)) this.store.dispatch({ type: "answer-refused", messages: before, ...noticeOf(error) });
      return false;
    } finally {
      if (this.#asking.get(key) === since) this.#asking.delete(key);
    }
  }

  /**
   * Whether this is the place to show it. One that begins a conversation is shown only in the tab
   * that asked it, if that is known, since a tab that shows it moves on to that conversation. An
   * element has no list in which it could be found instead.
   * @param {import("./server/outbox.js").Unsent} question
   */
  #isHere({ fields, place, tab }) {
    return place === this.place && (place !== "" || fields.conversation_id !== null || !tab || tab === this.tabs.name);
  }

  /** @param {string} key @param {object} fields */
  #keep(key, fields) {
    const { content: prompt = "", files = [] } = this.#asked(key) ?? {};
    keep({ key, fields, prompt, files: files.map((file) => ({ ...file, key: file.id })), place: this.place, tab: this.tabs.name });
  }

  /** It waits until the server can be reached. @param {string} key */
  #hold(key) {
    this.store.dispatch({ type: "question-held", key });
    this.lost();
    return true;
  }

  /** Gives a question that waited back to its reader. @param {string} key @returns {boolean} whether it did */
  #withdraw(key) {
    const kept = forget(key);
    if (!kept) return false;
    this.tabs.tellWithdrawn(key);
    const { prompt, files, fields } = kept;
    this.store.dispatch({ type: "question-withdrawn", key, returned: { conversationId: fields.conversation_id, prompt, files } });
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
    else if (reply.conversation_id === this.store.state.conversationId) this.open(reply.conversation_id);
    if (answer?.stopping) this.#cancel(key, reply.id);
    this.tabs.tell(reply.conversation_id, key);
    this.refreshConversations();
  }

  /** The answer that the page shows to this question. @param {string} key */
  #holds(key) {
    return this.store.state.messages.find((each) => each.key === key);
  }

  /** The question itself. @param {string} key */
  #asked(key) {
    return this.#holds(`${key}?`);
  }

  /** @param {string} key @param {string} id */
  async #cancel(key, id) {
    const done = await this.trying(() => this.api.cancel(id).then(() => true));
    if (!done) this.store.dispatch({ type: "answer-stopping", key, stopping: false });
  }
}

/** A new question; what changes an answer that is there already is refused at once. @param {any} fields */
function mayWait(fields) {
  return !["retry_of", "edit_of", "continue_of"].some((name) => name in fields);
}

/** They stay with the conversation that begins so. @param {string} instructions @param {string} prompt */
function withInstructions(instructions, prompt) {
  return { messages: [{ role: "system", content: instructions }, { role: "user", content: prompt }] };
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
