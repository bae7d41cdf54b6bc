// @ts-check
/**
 * Keeps the end of the conversation in view while it grows, if the reader is there. A reader who
 * has scrolled away is left alone and gets a button that leads back.
 */

import { hook } from "../dom/hooks.js";
import { View } from "./view.js";

/** Nearer than this counts as "at the end". */
const NEAR_PX = 56;

export class StickyScroll extends View {
  #stuck = true;
  #lastTop = 0;
  #resized = new ResizeObserver(() => this.onGrowth());

  /** @param {HTMLElement} root */
  constructor(root) {
    super(root);
    this.scroller = hook(root, "scroller");
    this.button = hook(root, "jump");
  }

  start() {
    this.on(this.scroller, "scroll", () => this.#onScroll(), { passive: true });
    this.on(this.button, "click", () => {
      this.stick();
      this.#toEnd();
    });
    this.#resized.observe(this.scroller);
  }

  stop() {
    super.stop();
    this.#resized.disconnect();
  }

  /** From now on the view follows the end again. */
  stick() {
    this.#stuck = true;
  }

  onGrowth() {
    if (this.#stuck) this.#toEnd();
    this.#showButton();
  }

  #onScroll() {
    const { scrollTop } = this.scroller;
    if (this.#distance() <= NEAR_PX) this.#stuck = true;
    else if (scrollTop < this.#lastTop) this.#stuck = false;
    this.#lastTop = scrollTop;
    this.#showButton();
  }

  #toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#lastTop = this.scroller.scrollTop;
  }

  #showButton() {
    this.button.hidden = this.#stuck || this.#distance() <= NEAR_PX;
  }

  #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight;
  }
}
