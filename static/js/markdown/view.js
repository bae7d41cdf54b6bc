// @ts-check
/**
 * A growing markdown text in a node. Whoever writes calls `set` with all of the text so far, as often as it
 * likes; this class draws only what is new. Blocks that later text cannot change are committed: they are neither
 * read nor drawn again. `set(text, true)` says that the text is whole; the nodes are then the same whatever the
 * pieces were in which it came (a test holds it to that).
 */

import { growCodeBlock } from "./code.js";
import { blocksOf, completed, isOpenFence, languageOf, renderBlock } from "./blocks.js";

/** @typedef {import("./blocks.js").Block} Block */
/** @typedef {import("./blocks.js").Links} Links */
/** @typedef {{block: Block, growing: boolean, nodes: Element[]}} Drawn */

/** A later block can still join the last one ("1. a", a blank line, "2" and then ". b"), never the one before. */
const UNSETTLED_BLOCKS = 2;

export class MarkdownView {
  #committed = "";
  /** @type {Drawn[]} */ #settled = [];
  /** @type {Drawn[]} */ #tail = [];
  /** @type {Links} */ #links = noLinks();
  /** @type {Links} */ #settledLinks = noLinks();

  /** @param {Element} node */
  constructor(node) {
    this.node = node;
    node.replaceChildren();
  }

  /** @param {string} text @param {boolean} [whole] */
  set(text, whole = false) {
    const source = text.replace(/\r\n?/g, "\n");
    if (!source.startsWith(this.#committed)) this.#clear();
    const links = Object.assign(noLinks(), this.#settledLinks);
    const blocks = blocksOf(source.slice(this.#committed.length), links);
    this.#learn(links);
    this.#draw(blocks.filter(isShown), whole);
    this.#commit(source, blocks);
  }

  #clear() {
    this.#committed = "";
    this.#settled = [];
    this.#tail = [];
    this.#links = noLinks();
    this.#settledLinks = noLinks();
    this.node.replaceChildren();
  }

  /** Where a name was defined, or its definition grew, what mentions it is drawn again. @param {Links} links */
  #learn(links) {
    const changed = JSON.stringify(links) !== JSON.stringify(this.#links);
    this.#links = links;
    if (!changed) return;
    for (const list of [this.#settled, this.#tail]) list.forEach((drawn, at) => (list[at] = this.#relinked(drawn)));
  }

  /** @param {Drawn} drawn @returns {Drawn} */
  #relinked(drawn) {
    if (!drawn.block.raw.includes("]") || !drawn.nodes.length) return drawn;
    const made = this.#made(drawn.block, drawn.growing);
    drawn.nodes[0].before(...made.nodes);
    remove(drawn);
    return made;
  }

  /** @param {Block[]} blocks @param {boolean} whole */
  #draw(blocks, whole) {
    for (const surplus of this.#tail.splice(blocks.length)) remove(surplus);
    blocks.forEach((block, at) => {
      const growing = !whole && at === blocks.length - 1;
      const drawn = this.#tail[at];
      if (drawn && drawn.block.raw === block.raw && drawn.growing === growing) return;
      this.#tail[at] = (drawn && grown(drawn, block, growing)) ?? this.#replaced(drawn, block, growing, at);
    });
  }

  /** @param {Drawn|undefined} drawn @param {Block} block @param {boolean} growing @param {number} at @returns {Drawn} */
  #replaced(drawn, block, growing, at) {
    const made = this.#made(block, growing);
    const next = drawn?.nodes[0] ?? this.#nodeAfter(at);
    made.nodes.forEach((node) => this.node.insertBefore(node, next));
    if (drawn) remove(drawn);
    return made;
  }

  /** @param {number} at */
  #nodeAfter(at) {
    return this.#tail.slice(at + 1).find((each) => each?.nodes.length)?.nodes[0] ?? null;
  }

  /** @param {Block} block @param {boolean} growing @returns {Drawn} */
  #made(block, growing) {
    const nodes = [...renderBlock(drawable(block, growing), this.#links, growing).children];
    return { block, growing, nodes };
  }

  /** @param {string} source @param {Block[]} blocks */
  #commit(source, blocks) {
    const shown = blocks.filter(isShown);
    const first = shown[shown.length - UNSETTLED_BLOCKS];
    if (!first || shown.length <= UNSETTLED_BLOCKS) return;
    const settled = this.#committed + blocks.slice(0, blocks.indexOf(first)).map((block) => block.raw).join("");
    if (!source.startsWith(settled + first.raw)) return; // the reader's tokens don't add up to the text: keep reading all of it
    blocksOf(settled.slice(this.#committed.length), this.#settledLinks);
    this.#committed = settled;
    this.#settled.push(...this.#tail.splice(0, shown.length - UNSETTLED_BLOCKS));
  }
}

/** @returns {Links} */
function noLinks() {
  return Object.create(null);
}

/** @param {Block} block */
function isShown(block) {
  return block.type !== "space";
}

/** @param {Drawn} drawn */
function remove(drawn) {
  drawn.nodes.forEach((node) => node.remove());
}

/** The language of a top-level fence that is still open, else null. @param {Block} block @param {boolean} growing */
function openLanguage(block, growing) {
  return growing && block.type === "code" && isOpenFence(block.raw) ? languageOf(block.lang) : null;
}

/**
 * The same open code block with more text, where it is that; else null.
 * @param {Drawn} drawn
 * @param {Block} block
 * @param {boolean} growing
 * @returns {Drawn|null}
 */
function grown(drawn, block, growing) {
  const language = openLanguage(block, growing);
  const [figure] = drawn.nodes;
  if (language === null || openLanguage(drawn.block, drawn.growing) !== language || !(figure instanceof HTMLElement)) return null;
  growCodeBlock(figure, (block.text ?? "").replace(/\n {0,3}(?:`+|~+)$/, "")); // the closing fence may have begun
  return { ...drawn, block };
}

/** The markdown that is drawn for a block. @param {Block} block @param {boolean} growing */
function drawable({ type, raw }, growing) {
  if (type === "code") return growing ? raw : withFence(raw);
  return growing && type !== "html" ? completed(raw) : raw; // HTML is shown as it is
}

/** A text that ended inside a fence: what there is counts as all of it. @param {string} raw */
function withFence(raw) {
  const [, fence] = /^ {0,3}(`{3,}|~{3,})/.exec(raw) ?? [];
  return fence && isOpenFence(raw) ? `${raw.replace(/\n$/, "")}\n${fence}` : raw;
}
