// @ts-check
/**
 * Keeps the end of the conversation in view while it grows, until the reader means to read
 * elsewhere: turns the wheel up, drags, presses a key that scrolls, selects text. How near the end
 * is tells nothing of intent, since each growth moves it. The view follows again once the reader is back
 * at the end, or presses the button that leads there.
 */

import { hook } from "../dom/hooks.js";
import { View } from "./view.js";

/** A reader this near to the end sees it. */
const NEAR_PX = 56;
/** Browsers round positions when the page is zoomed. */
const AT_END_PX = 2;
/** Longer than a page of messages takes to be drawn. */
const HELD_FOR_MS = 4000;
const KEYS_UP = ["PageUp", "Home", "ArrowUp"];

export class StickyScroll extends View {
  #stuck = true;
  /** @type {{node: Element, top: number, until: number}|null} */ #held = null;
  #lastTop = 0;
  #lastHeight = 0;
  #touchY = 0;
  #resized = new ResizeObserver(() => this.onGrowth());

  /** @param {HTMLElement} root */
  constructor(root) {
    super(root);
    this.inner = hook(root, "scroller");
    this.outer = hook(root, "main");
    this.button = hook(root, "jump");
  }

  start() {
    const passive = { passive: true };
    for (const box of [this.inner, this.outer]) this.on(box, "scroll", () => this.#onScroll(), passive);
    this.on(this.inner, "wheel", ({ deltaY }) => deltaY < 0 && this.#leave(), passive);
    this.on(this.inner, "touchstart", ({ touches }) => (this.#touchY = touches[0].clientY), passive);
    this.on(this.inner, "touchmove", ({ touches }) => touches[0].clientY > this.#touchY && this.#leave(), passive);
    this.on(this.inner, "pointerdown", (event) => this.#onScrollbar(event) && this.#leave());
    this.on(this.outer, "keydown", (event) => this.#onKey(event));
    this.on(document, "selectionchange", () => this.#hasSelection() && this.#leave());
    this.on(this.button, "click", () => {
      this.stick();
      this.#toEnd();
    });
    this.#resized.observe(this.inner);
  }

  stop() {
    super.stop();
    this.#resized.disconnect();
  }

  /** From now on the view follows the end again. */
  stick() {
    this.#stuck = true;
    this.#held = null;
  }

  /** From now on the view stays where it is. */
  leave() {
    this.#leave();
  }

  /**
   * What is read stays in its place while something is added above it, also while that is drawn,
   * some of it at a time.
   * @param {() => void} add
   */
  keepingPlace(add) {
    const node = this.#firstInView();
    if (node && !this.#stuck) this.#held = { node, top: node.getBoundingClientRect().top, until: performance.now() + HELD_FOR_MS };
    add();
    this.onGrowth();
  }

  onGrowth() {
    if (this.#stuck) this.#toEnd();
    else this.#hold();
    this.#showButton();
  }

  #firstInView() {
    const { top } = this.#box.getBoundingClientRect();
    return [...this.inner.querySelectorAll("[data-message]")].find((node) => node.getBoundingClientRect().bottom > top) ?? null;
  }

  #hold() {
    if (!this.#held) return;
    const { node, top, until } = this.#held;
    if (!node.isConnected || performance.now() > until) return void (this.#held = null);
    this.#box.scrollTop += node.getBoundingClientRect().top - top;
    this.#lastTop = this.#box.scrollTop;
  }

  /** If the window is very low, all of it scrolls (see layout.css). */
  get #box() {
    return getComputedStyle(this.inner).overflowY === "visible" ? this.outer : this.inner;
  }

  /** A conversation that fits has nowhere to go. */
  #leave() {
    if (this.#box.scrollHeight > this.#box.clientHeight) this.#stuck = false;
    this.#showButton();
  }

  /** @param {KeyboardEvent} event */
  #onKey({ key, shiftKey, target }) {
    const writes = target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement;
    if (!writes && (KEYS_UP.includes(key) || (key === " " && shiftKey))) this.#leave();
  }

  /** @param {PointerEvent} event */
  #onScrollbar({ target, offsetX }) {
    return target === this.inner && offsetX > this.inner.clientWidth;
  }

  #hasSelection() {
    const place = this.root.getRootNode(); // a selection in a shadow root is told there alone
    const selection = /** @type {any} */ (place).getSelection?.() ?? getSelection();
    return selection !== null && !selection.isCollapsed && this.inner.contains(selection.anchorNode);
  }

  #onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const [up, down] = [scrollTop < this.#lastTop, scrollTop > this.#lastTop];
    if (this.#held) this.#held.top -= scrollTop - this.#lastTop; // the reader goes on
    const isShorter = scrollHeight - clientHeight < this.#lastHeight; // then the browser moved it
    if (up && !isShorter) this.#stuck = false; // the browser's search, or a jump to what has the focus
    if (down && this.#distance() <= AT_END_PX && !this.#hasSelection()) this.#stuck = true;
    this.#lastTop = scrollTop;
    this.#lastHeight = scrollHeight - clientHeight;
    this.#showButton();
  }

  #toEnd() {
    const box = this.#box;
    box.scrollTop = box.scrollHeight;
    this.#lastTop = box.scrollTop;
    this.#lastHeight = box.scrollHeight - box.clientHeight;
  }

  #showButton() {
    this.button.hidden = this.#stuck || this.#distance() <= NEAR_PX;
  }

  #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    return scrollHeight - scrollTop - clientHeight;
  }
}
