// @ts-check
/** One question of the reader. A very long one is folded: its beginning, and a button for the rest. */

import { cloned, hook, setText } from "../dom/hooks.js";
import { View } from "./view.js";

/** Longer ones are folded: they would hide the answer. */
const LONG = { characters: 6000, lines: 100 };
/** What is shown of a folded one. */
const BEGINNING = { characters: 1500, lines: 24 };

export class QuestionView extends View {
  /** @type {import("../state/types.js").ShownMessage|null} */ #shown = null;
  #text = "";
  #whole = false;

  /** @param {HTMLElement} root @param {HTMLElement} [node] */
  constructor(root, node = cloned(root, "question")) {
    super(root);
    this.node = node;
    this.more = hook(node, "show-all");
    this.on(this.more, "click", () => {
      this.#whole = !this.#whole;
      this.#show();
    });
  }

  /** @param {import("../state/types.js").ShownMessage} message */
  show(message) {
    if (message === this.#shown) return false;
    this.#shown = message;
    this.node.dataset.message = message.id;
    this.#text = message.content;
    this.#show();
    return false;
  }

  #show() {
    const isLong = this.#text.length > LONG.characters || lineCount(this.#text) > LONG.lines;
    setText(hook(this.node, "text"), isLong && !this.#whole ? beginning(this.#text) : this.#text);
    this.more.hidden = !isLong;
    this.more.setAttribute("aria-expanded", String(this.#whole));
    setText(this.more, this.#whole ? "Show less" : `Show all ${this.#text.length.toLocaleString("en")} characters`);
  }
}

/** @param {string} text */
function lineCount(text) {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0 && lines <= LONG.lines; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

/** @param {string} text */
function beginning(text) {
  const cut = text.slice(0, BEGINNING.characters).split("\n").slice(0, BEGINNING.lines).join("\n");
  return `${cut.trimEnd()}…`;
}
