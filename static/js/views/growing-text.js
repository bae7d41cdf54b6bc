// @ts-check
/**
 * A text of a model in its place: as markdown, in turns if there is much of it. Until markdown is
 * there, the text stands as it came.
 */

import { setText } from "../dom/hooks.js";
import { markdown } from "../markdown/libraries.js";

/**
 * Characters of new text to draw at once: some 20 ms. What comes in a heap, as after a reload, is
 * drawn in several turns.
 */
const MOST_AT_ONCE = 5000;

export class GrowingText {
  /** @type {import("../markdown/view.js").MarkdownView|null} */ #view = null;

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
    if (!library) {
      setText(this.node, text);
      return false;
    }
    this.#view ??= new library.MarkdownView(this.node);
    this.node.toggleAttribute("data-rendered", true);
    return this.#view.set(text, whole, atOnce ? Infinity : MOST_AT_ONCE);
  }
}
