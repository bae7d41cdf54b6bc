// @ts-check
/**
 * A tool that waits for the reader, while its card is out of view: said above the prompt, with the
 * card's own buttons. Its time runs down wherever the reader is.
 */

import { hook, setText } from "../dom/hooks.js";
import { waitsForReader } from "../state/selectors.js";
import { View } from "./view.js";

const TICK_MS = 1000;

export class PinnedView extends View {
  /** @type {Element|null} */ #card = null;
  /** @type {number|undefined} */ #timer;
  #seen = new IntersectionObserver((entries) => this.#show(!entries[entries.length - 1].isIntersecting));

  /** @param {HTMLElement} root @param {import("../state/store.js").Store} store */
  constructor(root, store) {
    super(root);
    this.store = store;
    this.node = hook(hook(root, "main"), "pinned"); // a conversation of the list may be pinned, too
    this.thread = hook(root, "thread");
  }

  start() {
    this.on(this.thread, "painted", () => this.#look());
    this.on(hook(this.node, "pinned-show"), "click", () => this.#card?.scrollIntoView({ block: "center" }));
    for (const name of ["approve", "deny"]) {
      this.on(hook(this.node, `pinned-${name}`), "click", () => this.#button(name)?.click());
    }
    this.#look();
  }

  stop() {
    super.stop();
    this.#seen.disconnect();
    clearTimeout(this.#timer);
  }

  #look() {
    const waits = waitsForReader(this.store.state); // else the search would go through all of a long answer
    const card = waits ? this.thread.querySelector('[data-tool][data-state="asks"]:not([data-deciding])') : null;
    if (card === this.#card) return;
    this.#seen.disconnect();
    this.#card = card;
    if (card) this.#seen.observe(card);
    else this.#show(false);
  }

  /** @param {boolean} isOut */
  #show(isOut) {
    this.node.hidden = !isOut;
    if (!isOut) return clearTimeout(this.#timer);
    const card = /** @type {HTMLElement} */ (this.#card);
    setText(hook(this.node, "pinned-name"), card.dataset.tool ?? "");
    for (const name of ["approve", "deny"]) hook(this.node, `pinned-${name}`).hidden = !this.#button(name);
    this.#tick();
  }

  #tick() {
    setText(hook(this.node, "pinned-left"), this.#card?.querySelector("[data-tool-left]")?.textContent ?? "");
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  /** A question has no such buttons: its form is on the card. @param {string} name */
  #button(name) {
    const button = this.#card?.querySelector(`[data-tool-ask]:not([hidden]) [data-${name}]`);
    return button instanceof HTMLElement ? button : null;
  }
}
