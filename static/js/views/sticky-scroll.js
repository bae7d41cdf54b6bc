// @ts-check
/**
 * Keeps the end of the conversation in view while it grows, if the reader is there; never moves a reader who has
 * scrolled away, and offers the way back.
 */

/** Nearer than this counts as "at the end". */
const NEAR_PX = 56;

export class StickyScroll {
  #stuck = true;
  #lastTop = 0;

  /** @param {HTMLElement} scroller @param {HTMLElement} button */
  constructor(scroller, button) {
    this.scroller = scroller;
    this.button = button;
  }

  start() {
    this.scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    this.button.addEventListener("click", () => {
      this.stick();
      this.#toEnd();
    });
    new ResizeObserver(() => this.onGrowth()).observe(this.scroller);
  }

  /** From now on the end is followed again. */
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
