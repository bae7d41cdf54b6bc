// @ts-check
/** The cards of an answer's tool calls: what was called, with what, and what came of it. */

import { cloned, hook, setText } from "../dom.js";
import { pretty } from "../words.js";

/** @typedef {import("../types.js").ToolCall} ToolCall */

export class ToolList {
  /** @type {ToolCall[]} */ #shown = [];

  /** @param {HTMLElement} node */
  constructor(node) {
    this.node = node;
    node.replaceChildren();
  }

  /** @param {import("../types.js").ShownMessage} answer */
  show({ tools, status }) {
    this.node.hidden = tools.length === 0;
    while (this.node.children.length > tools.length) this.node.lastElementChild?.remove();
    tools.forEach((tool, at) => {
      const card = this.node.children[at] ?? this.node.appendChild(cloned("tool-template"));
      if (tool !== this.#shown[at] || status === "done") showTool(/** @type {HTMLElement} */ (card), tool, status === "done");
    });
    this.#shown = tools;
  }
}

/** @param {HTMLElement} card @param {ToolCall} tool @param {boolean} done  whether the answer has ended */
function showTool(card, tool, done) {
  const outcome = tool.error ?? (isNothing(tool.result) ? "" : pretty(tool.result));
  const state = tool.error ? "failed" : outcome || done ? "done" : "running";
  card.dataset.tool = tool.name;
  card.dataset.state = state;
  setText(hook(card, "tool-name"), tool.name);
  setText(hook(card, "tool-state"), { failed: "failed", done: "", running: "running…" }[state]);
  setText(hook(card, "tool-arguments"), pretty(tool.arguments));
  hook(card, "tool-outcome").hidden = !outcome;
  setText(hook(card, "tool-result"), outcome);
}

/** @param {unknown} value */
function isNothing(value) {
  return value === undefined || value === null;
}
