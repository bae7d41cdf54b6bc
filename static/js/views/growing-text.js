// @ts-check
/**
 * A text of a model in its place: as markdown, in turns if there is much of it. Until markdown is
 * there, the text stands as it came.
 */

import { setText } from "../dom/hooks.js";
import { markdown } from "../markdown/libraries.js";

/**
 * What comes in a heap, as after a reload, is drawn in turns of so many milliseconds. How much text
 * that is depends on the text, since a formula costs a hundred words, and on the machine.
 */
const TURN_MS = 12;
/** Characters in a turn: of the first, and the fewest and the most of the others. */
const CHARACTERS = { first: 3000, fewest: 400, most: 24_000 };

export class GrowingText {
  /** @type {import("../markdown/view.js").MarkdownView|null} */ #view = null;
  #most = CHARACTERS.first;

  /** @param {Element} node */
  constructor(node) {
    this.node = node;
  }

  /**
   * Returns whether all of it is drawn; else call it again.
   * @param {string} text
   * @param {boolean} whole
   * @param {boolean} [atOnce]  however long it is
   */
  set(text, whole, atOnce = false) {
    const library = markdown.get();
    this.node.toggleAttribute("data-undrawn", false);
    if (!library) {
      setText(this.node, text);
      return false;
    }
    this.#view ??= new library.MarkdownView(this.node);
    this.node.toggleAttribute("data-rendered", true);
    const began = performance.now();
    const isAll = this.#view.set(text, whole, atOnce ? Infinity : this.#most);
    if (!isAll) this.#learn(began);
    return isAll;
  }

  /** @param {number} began */
  #learn(began) {
    this.node.getBoundingClientRect(); // the layout counts; it comes now instead of a moment later
    const fitting = (this.#most * TURN_MS) / (performance.now() - began);
    this.#most = Math.round(Math.min(Math.max(fitting, CHARACTERS.fewest), 2 * this.#most, CHARACTERS.most));
  }
}
