// @ts-check
/** A thought: open while it thinks, folded once when it is over. If a reader folds or unfolds it, it stays so. */

import { hook, setText } from "../dom/hooks.js";
import { GrowingText } from "./growing-text.js";
import { thinkingLabel } from "./labels.js";

export class ThoughtView {
  #text = "";
  #more = false;
  /** @type {boolean|null} */ #active = null;

  /** @param {HTMLElement} node */
  constructor(node) {
    this.node = /** @type {HTMLDetailsElement} */ (node);
    this.drawn = new GrowingText(hook(node, "reasoning"));
  }

  /**
   * Returns whether there is more to draw.
   * @param {{text: string, since: number|null, ms: number}} part
   * @param {import("../state/types.js").ShownMessage} answer
   */
  show(part, answer) {
    const active = part.since !== null;
    if (active !== this.#active) {
      if (active) this.node.open = true;
      else if (this.#active) this.node.open = false;
    }
    this.node.toggleAttribute("data-active", active);
    setText(hook(this.node, "thinking-label"), thinkingLabel(part, answer));
    const isSame = part.text === this.#text && active === this.#active;
    this.#text = part.text;
    this.#active = active;
    if (!isSame || this.#more) this.#more = !this.drawn.set(part.text, !active);
    return this.#more;
  }
}
