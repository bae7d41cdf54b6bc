// @ts-check
/**
 * The parts of an answer, in their order: thoughts, plan, calls, texts, files. Each kind has one
 * place in the markup from the start; further ones of a kind are copies of it.
 */

import { arrange, cloned, hook } from "../dom/hooks.js";
import { GrowingText } from "./growing-text.js";
import { linkNumbers, showFiles, withNumbers } from "./media.js";
import { showPlan } from "./plan.js";
import { ThoughtView } from "./thought.js";
import { ToolList } from "./tool-card.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */
/** @typedef {import("../state/types.js").Part} Part */
/** @typedef {import("../state/types.js").Offer} Offer */
/**
 * `show` returns true if there is more of the part to draw than it drew at once.
 * @typedef {{node: HTMLElement, show: (part: any, answer: ShownMessage, offer: Offer|null) => boolean|void, stop?: () => void}} PartView
 */

/** The name of each kind's place in the markup, in the order in which they stand there. */
const PLACES = Object.freeze({ thought: "thinking", plan: "steps", calls: "tools", text: "content", files: "files" });

export class PartsView extends View {
  /** @type {Map<string, PartView[]>} */ #views = new Map();

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} answer
   * @param {import("./tool-card.js").Decide} decide
   */
  constructor(root, answer, decide) {
    super(root);
    this.node = hook(answer, "parts");
    this.decide = decide;
    for (const [type, place] of Object.entries(PLACES)) this.#views.set(type, [this.#made(type, hook(answer, place))]);
  }

  stop() {
    super.stop();
    for (const view of [...this.#views.values()].flat()) view.stop?.();
  }

  /** Returns whether there is more to draw. @param {ShownMessage} answer @param {Offer|null} offer */
  show(answer, offer) {
    let more = false;
    /** @type {Map<string, number>} */
    const counts = new Map();
    const shown = answer.parts.map((part) => {
      const at = counts.get(part.type) ?? 0;
      counts.set(part.type, at + 1);
      const view = this.#viewAt(part.type, at);
      view.node.hidden = false;
      more = view.show(part, answer, offer) || more;
      return view.node;
    });
    const idle = [...this.#views].flatMap(([type, views]) => views.slice(counts.get(type) ?? 0).map(({ node }) => node));
    for (const node of idle) node.hidden = true;
    if (shown.length + idle.length !== this.node.children.length || shown.some((node, at) => this.node.children[at] !== node)) {
      arrange(this.node, [...shown, ...idle]);
    }
    return more;
  }

  /** @param {string} type @param {number} at @returns {PartView} */
  #viewAt(type, at) {
    const views = /** @type {PartView[]} */ (this.#views.get(type));
    const place = PLACES[/** @type {keyof typeof PLACES} */ (type)];
    return (views[at] ??= this.#made(type, hook(cloned(this.root, "answer"), place)));
  }

  /** @param {string} type @param {HTMLElement} node @returns {PartView} */
  #made(type, node) {
    if (type === "thought") return new ThoughtView(node);
    if (type === "plan") return { node, show: (_, answer) => showPlan(node, answer) };
    if (type === "files") return { node, show: ({ from, to }, { files }) => showFiles(node, files.slice(from, to)) };
    if (type === "text") return new TextView(node);
    const list = new ToolList(this.root, node, this.decide);
    const show = (/** @type {any} */ { from, to }, /** @type {ShownMessage} */ answer, /** @type {Offer|null} */ offer) =>
      list.show(answer.tools.slice(from, to), answer.status === "done", offer);
    return { node, show, stop: () => list.stop() };
  }
}

class TextView {
  #text = "";
  #whole = false;
  #more = false;
  /** @type {unknown} */ #sources = null;

  /** @param {HTMLElement} node */
  constructor(node) {
    this.node = node;
    this.drawn = new GrowingText(node);
  }

  /** When it is whole it is drawn once more, with its numbers as links. @param {{text: string}} part @param {ShownMessage} answer */
  show(part, { status, parts, sources }) {
    const { text } = part;
    const whole = status === "done" || parts[parts.length - 1] !== part;
    const isSame = text === this.#text && whole === this.#whole && (!whole || sources === this.#sources);
    if (isSame && !this.#more) return false;
    this.#text = text;
    this.#whole = whole;
    this.#sources = sources;
    const isOnly = parts.filter(({ type }) => type === "text").length === 1; // sources count from the first text on
    const source = whole && isOnly ? withNumbers(text, sources) : text;
    this.#more = !this.drawn.set(source, whole, source !== text); // numbers change what is there: in pieces it would flicker
    if (whole && !this.#more) linkNumbers(this.node, sources);
    return this.#more;
  }
}
