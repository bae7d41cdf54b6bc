// @ts-check
/** Earlier messages of a long conversation: a page at a time, when the reader comes near its top. */

import { hook } from "../dom/hooks.js";
import { View } from "./view.js";

/** In time for the next page to be there when the reader is. */
const NEAR_PX = 800;

export class OlderView extends View {
  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.button = hook(root, "older");
    this.scroller = hook(root, "scroller");
  }

  start() {
    this.on(this.button, "click", () => this.actions.loadOlder());
    this.on(this.scroller, "scroll", () => this.scroller.scrollTop < NEAR_PX && this.actions.loadOlder(), { passive: true });
    this.on(this.store, "change", ({ detail: { state, previous } }) => state.older !== previous.older && this.#show());
    this.#show();
  }

  #show() {
    this.button.hidden = this.store.state.older === null;
  }
}
