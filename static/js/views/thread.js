// @ts-check
/** The conversation on the page: one view per message, kept in the order of the state, and the empty page. */

import { arrange, cloned, hook, setText } from "../dom/hooks.js";
import { throttled } from "../dom/throttle.js";
import { announcementOf } from "./labels.js";
import { AnswerView } from "./answer.js";

/** @typedef {import("../state/types.js").State} State */
/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */
/** @typedef {{node: HTMLElement, show: (message: ShownMessage, last: boolean, offer: State["offer"]) => void}} MessageView */

const PAINT_EVERY_MS = 50;

export class ThreadView {
  /** @type {Map<string, MessageView>} */ #views = new Map();

  /**
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   * @param {import("./sticky-scroll.js").StickyScroll} scroll
   */
  constructor(store, actions, scroll) {
    this.store = store;
    this.scroll = scroll;
    this.actions = actions;
    this.node = hook(document, "thread");
    this.paint = throttled(() => this.#paint(), PAINT_EVERY_MS);
  }

  start() {
    this.#adopt();
    this.#paint();
    this.store.addEventListener("change", (event) => this.#onChange(/** @type {CustomEvent} */ (event).detail));
  }

  /** @param {{state: State, previous: State}} change */
  #onChange({ state, previous }) {
    if (state.offer !== previous.offer) this.paint(); // whose server is which is known now
    if (state.messages === previous.messages) return;
    announce(state, previous);
    const moved = state.messages.length !== previous.messages.length || state.conversationId !== previous.conversationId;
    if (!moved) return this.paint();
    this.scroll.stick(); // a reader who asks or goes elsewhere sees it at once
    this.#paint();
  }

  /** Takes over what the server has rendered. */
  #adopt() {
    for (const node of this.node.querySelectorAll("[data-message]")) {
      const view = this.#view(/** @type {HTMLElement} */ (node).dataset.role ?? "", /** @type {HTMLElement} */ (node));
      this.#views.set(`${/** @type {HTMLElement} */ (node).dataset.message}`, view);
    }
  }

  #paint() {
    const { messages, offer } = this.store.state;
    /** @type {Map<string, MessageView>} */
    const views = new Map();
    messages.forEach((message, at) => {
      const view = this.#views.get(message.key) ?? this.#view(message.role);
      view.show(message, at === messages.length - 1, offer);
      views.set(message.key, view);
    });
    this.#views = views;
    arrange(this.node, [...views.values()].map((view) => view.node));
    document.body.toggleAttribute("data-empty", messages.length === 0);
    this.scroll.onGrowth();
  }

  /** @param {string} role @param {HTMLElement} [node] @returns {MessageView} */
  #view(role, node) {
    return role === "user" ? new QuestionView(node) : new AnswerView(this.actions, node);
  }
}

class QuestionView {
  /** @param {HTMLElement} [node] */
  constructor(node = cloned("question-template")) {
    this.node = node;
  }

  /** @param {ShownMessage} message */
  show(message) {
    this.node.dataset.message = message.id;
    setText(hook(this.node, "text"), message.content);
  }
}

/** Says once, politely, that an answer has ended or waits. @param {State} state @param {State} previous */
function announce(state, previous) {
  for (const answer of state.messages) {
    const words = announcementOf(answer, previous.messages.find((each) => each.key === answer.key));
    if (words) hook(document, "announcer").textContent = words;
  }
}
