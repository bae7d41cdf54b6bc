// @ts-check
/**
 * All that a chat knows, in one value. Only `dispatch(action)` changes it: that runs the pure
 * `reduce` and sends the event "change". Nothing here knows the server, the document or a clock.
 */

import { applyEvent, blankAnswer, changeTool, forgotten, shown } from "./answer.js";
import { refreshed, withoutTwice } from "./list.js";
import { waitsForReader } from "./selectors.js";
import { named, next } from "./versions.js";

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Action} Action */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").ShownMessage} ShownMessage */

/** @type {State} */
export const initialState = {
  conversations: [],
  more: null,
  conversationId: null,
  messages: [],
  older: null,
  opened: null,
  catalogue: { default: null, providers: [] },
  choice: null,
  usual: null,
  queued: [],
  attached: [],
  thinking: null,
  offer: null,
  tools: null,
  agent: null,
  notice: null,
  connection: "",
  returned: null,
};

/** Sends an event "change" with `detail: {state, previous}` at every change. */
export class Store extends EventTarget {
  #state;

  /** @param {State} [state] */
  constructor(state = initialState) {
    super();
    this.#state = state;
  }

  get state() {
    return this.#state;
  }

  /** @param {Action} action */
  dispatch(action) {
    const previous = this.#state;
    this.#state = reduce(previous, action);
    if (this.#state === previous) return;
    this.dispatchEvent(new CustomEvent("change", { detail: { state: this.#state, previous } }));
  }
}

/** @param {State} state @param {Action} action @returns {State} */
export function reduce(state, action) {
  const handle = ACTIONS[action.type];
  if (!handle) throw new Error(`unknown action: ${action.type}`);
  return handle(state, action);
}

/** @type {Record<string, (state: State, action: any) => State>} */
const ACTIONS = {
  "conversations-loaded": (state, { conversations, next = null }) => ({ ...state, ...refreshed(state, conversations, next) }),
  "conversations-added": (state, { conversations, next }) => ({
    ...state, conversations: withoutTwice([...state.conversations, ...conversations]), more: next,
  }),
  "conversation-changed": (state, { id, ...fields }) => ({
    ...state, conversations: state.conversations.map((each) => (each.id === id ? { ...each, ...fields } : each)),
  }),
  "conversation-removed": (state, { id }) => ({
    ...state, conversations: state.conversations.filter((each) => each.id !== id),
  }),
  "conversation-opened": (state, { conversation }) => ({
    ...state,
    conversations: left(state, conversation.id),
    conversationId: conversation.id,
    messages: spoken(conversation.messages).map((message) => known(state, message)),
    older: conversation.next ?? null,
    opened: { id: conversation.id, title: conversation.title, settings: conversation.settings ?? {} },
    ...(conversation.id !== state.conversationId && { choice: lastModel(conversation.messages), queued: [], attached: [] }),
    notice: null,
  }),
  "settings-saved": (state, { id, settings }) => state.conversationId !== id ? state : ({
    ...state, opened: { title: "", ...(state.opened?.id === id && state.opened), id, settings },
  }),
  "older-loaded": (state, { id, messages, next }) => id !== state.conversationId ? state : ({
    ...state, messages: [...spoken(messages).map((message) => shown(message)), ...state.messages], older: next,
  }),
  "new-chat-opened": (state) => ({
    ...state, conversations: left(state, null), conversationId: null, messages: [], older: null, choice: null, queued: [], attached: [], notice: null,
  }),

  "question-sent": (state, { key, prompt, files, choice, at }) => ({
    ...state,
    messages: [...state.messages, question(key, prompt, at, files), blankAnswer({ key, watched: true, ...choice })],
    notice: null,
  }),
  "retry-sent": (state, { key, id, choice }) => ({
    ...state,
    messages: [...before(state, id), blankAnswer({ key, watched: true, ...next(state, id), ...choice })],
    notice: null,
  }),
  "edit-sent": (state, { key, id, prompt, files, choice, at }) => ({
    ...state,
    messages: [
      ...before(state, id),
      { ...question(key, prompt, at, files), ...next(state, id) },
      blankAnswer({ key, watched: true, ...choice }),
    ],
    notice: null,
  }),
  "continue-sent": (state, { key, id, choice }) => ({
    ...state,
    messages: [...before(state, id, 1), blankAnswer({ key, watched: true, continues: id, ...choice })],
    notice: null,
  }),
  "answer-accepted": (state, { key, id, parent, conversation_id, events_url }) => ({
    ...state,
    conversationId: conversation_id,
    messages: change(state, key, (answer) => named({ ...answer, conversation_id, events_url, unsent: false }, id))
      .map((each) => (each.key === `${key}?` && parent ? named(each, parent) : each)),
  }),
  "prompt-queued": (state, { prompt, files }) => ({ ...state, queued: [...state.queued, { prompt, files }] }),
  "queue-set": (state, { queued }) => ({ ...state, queued }),
  "attached-set": (state, { attached }) => ({ ...state, attached }),
  "question-held": (state, { key }) => ({
    ...state, messages: change(state, key, (answer) => ({ ...answer, unsent: true })),
  }),
  "question-withdrawn": (state, { key, returned }) => ({
    ...state, returned, messages: state.messages.filter((each) => each.key !== key && each.key !== `${key}?`),
  }),
  "connection-changed": (state, { connection }) => ({ ...state, connection }),
  "answer-refused": (state, { messages, text, detail = "", traceId }) => ({ ...state, messages, notice: { text, detail, traceId } }),

  "answer-followed": (state, { id }) => ({ ...state, messages: change(state, id, forgotten) }),
  "answer-event": (state, { id, name, data, at }) => ({
    ...state, messages: change(state, id, (answer) => applyEvent(answer, name, data, at)),
  }),
  "answer-loaded": (state, { message }) => ({
    ...state, messages: change(state, message.id, (answer) => ({
      ...shown(message), key: answer.key, versions: answer.versions,
    })),
  }),
  "answer-connection": (state, { id, waiting }) => ({
    ...state, messages: change(state, id, (answer) => ({ ...answer, waiting })),
  }),
  "answer-stopping": (state, { key, stopping }) => ({
    ...state, messages: change(state, key, (answer) => ({ ...answer, stopping })),
  }),

  "tool-deciding": (state, { id, call, deciding }) => ({
    ...state, messages: change(state, id, (answer) => changeTool(answer, call, { deciding })),
  }),

  "catalogue-loaded": (state, { catalogue }) => ({ ...state, catalogue }),
  "model-chosen": (state, { choice }) => ({ ...state, choice, usual: choice }),
  "thinking-set": (state, { thinking }) => ({ ...state, thinking }),
  "offer-loaded": (state, { offer }) => ({ ...state, offer }),
  "tools-chosen": (state, { tools }) => ({ ...state, tools }),
  "agent-chosen": (state, { agent }) => ({ ...state, agent }),
  "notice-shown": (state, { text, detail = "", traceId = null }) => ({ ...state, notice: { text, detail, traceId } }),
  "notice-dismissed": (state) => ({ ...state, notice: null }),
};

/**
 * The list, in which the conversation that is left tells at once whether it waits for its reader.
 * @param {State} state
 * @param {string|null} to
 */
function left(state, to) {
  const { conversations, conversationId } = state;
  const waiting = waitsForReader(state);
  if (conversationId === to || !conversations.some((each) => each.id === conversationId && Boolean(each.waiting) !== waiting)) return conversations;
  return conversations.map((each) => (each.id === conversationId ? { ...each, waiting } : each));
}

/**
 * A message from the server. A running answer that the page already has stays as it is: its log
 * tells more.
 * @param {State} state
 * @param {Message} message
 */
function known(state, message) {
  const held = state.messages.find((each) => each.id === message.id && each.role === message.role);
  if (held && held.status === message.status) return message.versions ? { ...held, versions: message.versions } : held;
  const fresh = message.status === "running" ? forgotten(shown(message)) : shown(message);
  return held ? { ...fresh, key: held.key } : fresh;
}

/**
 * What gave the last answer; a conversation goes on with it.
 * @param {Message[]} messages
 * @returns {import("./types.js").Choice|null}
 */
function lastModel(messages) {
  const last = messages.findLast(({ role, provider, model }) => role === "assistant" && provider && model);
  return last ? { provider: last.provider ?? "", model: last.model ?? "" } : null;
}

/** The messages before this one, or with it. @param {State} state @param {string} id @param {0|1} [more] */
function before({ messages }, id, more = 0) {
  return messages.slice(0, messages.findIndex((each) => each.id === id) + more);
}

/**
 * @param {string} key
 * @param {string} prompt
 * @param {string} at
 * @param {import("./types.js").AnswerFile[]} [files]
 * @returns {ShownMessage}
 */
function question(key, prompt, at, files = []) {
  return { ...blankAnswer({ key: `${key}?`, created: at }), role: "user", status: "done", content: prompt, files };
}

/**
 * The messages, with the answer of this key or id changed.
 * @param {State} state
 * @param {string} key
 * @param {(answer: ShownMessage) => ShownMessage} how
 */
function change(state, key, how) {
  const { messages } = state;
  const at = messages.findLastIndex((each) => each.role === "assistant" && [each.key, each.id].includes(key));
  return at < 0 ? messages : messages.with(at, how(messages[at]));
}

/**
 * The messages that are shown: those of people and models, without instructions.
 * @param {Message[]} messages
 */
function spoken(messages) {
  return messages.filter((message) => message.role !== "system");
}
