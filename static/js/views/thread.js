// @ts-check
/**
 * The conversation: one view per message, in the order of the state, or the empty page. What draws
 * answers is more than half of the page's scripts, and is loaded when there is an answer, or
 * somebody begins to write.
 */

import { copyCode } from "../dom/clipboard.js";
import { announce, arrange, hook, isTouched, nothingHasFocus } from "../dom/hooks.js";
import { jump } from "../dom/jump.js";
import { part } from "../dom/part.js";
import { throttled } from "../dom/throttle.js";
import { Library, markdown } from "../markdown/libraries.js";
import { joined } from "../state/continued.js";
import { announcementOf } from "./labels.js";
import { QuestionView } from "./question.js";
import { onVersion } from "./versions.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */
/** @typedef {import("../state/types.js").Change} Change */
/** @typedef {import("./answer.js").AnswerView|QuestionView} MessageView */

export const answers = new Library(() => import("./answer.js"));

const PAINT_EVERY_MS = 50;
/** Between two turns of drawing a lot of text, other things get theirs. */
const TURN_MS = 10;
/** After so many milliseconds no further answer is drawn; the next turn goes on. */
const LONGEST_TURN_MS = 20;

export class ThreadView extends View {
  /** @type {Map<string, MessageView>} */ #views = new Map();
  #adopted = false;
  /** @type {number|undefined} */ #soon;

  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   * @param {import("./sticky-scroll.js").StickyScroll} scroll
   */
  constructor(root, store, actions, scroll) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.scroll = scroll;
    this.node = hook(root, "thread");
    this.paint = throttled(() => this.#paint(), PAINT_EVERY_MS);
  }

  start() {
    this.#paint();
    this.on(this.root, "input", () => [answers, markdown].forEach((each) => each.get()), { once: true }); // an answer will come
    this.on(this.node, "click", copyCode);
    this.on(this.node, "click", jump);
    this.on(this.node, "click", drawDiagram);
    this.on(this.node, "click", ({ target }) => onVersion(this.node, target, (id) => this.#choose(id)));
    this.on(this.node, "undrawn", () => this.paint()); // a message has more text than it drew
    this.on(this.store, "change", ({ detail }) => this.#onChange(detail));
  }

  stop() {
    super.stop();
    this.paint.cancel();
    clearTimeout(this.#soon);
    for (const view of this.#views.values()) view.stop();
    this.#views.clear();
  }

  /** @param {Change} change */
  #onChange({ state, previous }) {
    if (previous.connection && !state.connection) this.paint(); // what could not be loaded can now
    if (state.offer !== previous.offer) this.paint(); // the cards can now name their tools' servers
    if (state.messages === previous.messages) return;
    this.#announce(state.messages, previous.messages);
    const moved = state.conversationId !== previous.conversationId;
    if (state.messages.length === previous.messages.length && !moved && !asked(state, previous)) return this.paint();
    if (moved || asked(state, previous)) this.scroll.stick(); // a reader who asks, or opens another one, sees it at once
    const grewAbove = !moved && state.messages.length > 0 && state.messages[0].key !== previous.messages[0]?.key;
    if (grewAbove) this.scroll.keepingPlace(() => this.#paint());
    else this.#paint();
  }

  /** Another version, where the reader is. @param {string} id */
  async #choose(id) {
    this.scroll.leave();
    await this.actions.choose(id);
    this.#paint();
  }

  /** Takes over the messages that the server has rendered. @param {import("./answer.js")} drawing */
  #adopt(drawing) {
    this.#adopted = true;
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (this.node.querySelectorAll("[data-message]"))) {
      this.#views.set(node.dataset.message ?? "", this.#view(drawing, node.dataset.role ?? "", node));
    }
  }

  #paint() {
    clearTimeout(this.#soon);
    const messages = joined(this.store.state.messages);
    const drawing = messages.length ? answers.get() : null;
    if (messages.length && !drawing) return void this.#paintLater();
    if (drawing && !this.#adopted) this.#adopt(drawing);
    const made = (/** @type {string} */ role) => this.#view(/** @type {import("./answer.js")} */ (drawing), role);
    const hadFocus = this.node.matches(":focus-within");
    const views = new Map(messages.map(({ key, role }) => [key, this.#views.get(key) ?? made(role)]));
    const more = this.#show(messages, [...views.values()]);
    for (const [key, view] of this.#views) if (!views.has(key)) view.stop();
    this.#views = views;
    arrange(this.node, [...views.values()].map((view) => view.node));
    if (hadFocus && nothingHasFocus(this.root) && !isTouched()) hook(this.root, "prompt").focus({ preventScroll: true }); // it was on what is gone
    this.node.toggleAttribute("data-running", messages[messages.length - 1]?.status === "running");
    this.scroll.onGrowth();
    this.node.dispatchEvent(new Event("painted"));
    if (more) this.#soon = setTimeout(() => this.#paint(), markdown.get() ? TURN_MS : PAINT_EVERY_MS);
  }

  /** Offline, what draws may not come: then all that the server has rendered can be read as it is. */
  async #paintLater() {
    if (await answers.arriving) return this.#paint();
    for (const node of this.node.querySelectorAll("[data-undrawn]")) node.toggleAttribute("data-undrawn", false);
  }

  /**
   * Draws the last ones first, since they are in view. Returns whether there is more to draw.
   * @param {ShownMessage[]} messages
   * @param {MessageView[]} views
   */
  #show(messages, views) {
    const { offer } = this.store.state;
    const until = performance.now() + LONGEST_TURN_MS;
    let more = false;
    for (let at = messages.length - 1; at >= 0; at -= 1) {
      more = views[at].show(messages[at], at === messages.length - 1, offer, performance.now() < until) || more;
    }
    return more;
  }

  /**
   * @param {import("./answer.js")} drawing
   * @param {string} role
   * @param {HTMLElement} [node]
   * @returns {MessageView}
   */
  #view({ AnswerView }, role, node) {
    if (role === "user") return new QuestionView(this.root, this.actions, node);
    return new AnswerView(this.root, this.actions, node);
  }

  /**
   * Tells screen readers once, politely, that an answer has ended or waits.
   * @param {ShownMessage[]} messages
   * @param {ShownMessage[]} previous
   */
  #announce(messages, previous) {
    for (const answer of messages) {
      const words = announcementOf(answer, previous.find((each) => each.key === answer.key));
      if (words) announce(this.root, words);
    }
  }
}

/** Serves the Draw button of every diagram below the listener's node. @param {Event} event */
async function drawDiagram({ target }) {
  const button = target instanceof Element ? target.closest("[data-draw-diagram]") : null;
  if (button instanceof HTMLElement) (await part(button, import("../markdown/diagram.js")))?.toggleDiagram(button);
}

/**
 * Whether this page has just asked.
 * @param {import("../state/types.js").State} state
 * @param {import("../state/types.js").State} previous
 */
function asked({ messages }, previous) {
  const last = messages[messages.length - 1];
  return Boolean(last?.watched) && last.id === "" && previous.messages[previous.messages.length - 1]?.key !== last.key;
}
