// @ts-check
/**
 * A growing markdown text in a node. `set` takes all of the text so far, as often as it is called,
 * and draws only what is new. Blocks that later text cannot change are committed: they are neither
 * read nor drawn again. `set(text, true)` says that the text is whole. The nodes are then the same,
 * whatever the pieces were in which it came (a test checks that).
 */

import { morphed } from "../dom/morph.js";
import { blocksOf, completed, isOpenFence, languageOf, renderBlock } from "./blocks.js";
import { colourLater, growCodeBlock } from "./code.js";
import { changedNames, namesIn } from "./definitions.js";
import { Footnotes } from "./footnotes.js";
import { highlighter, mathematics } from "./libraries.js";

/** @typedef {import("./blocks.js").Block} Block */
/** @typedef {import("./blocks.js").Links} Links */
/** @typedef {{block: Block, growing: boolean, nodes: Element[], names?: Set<string>}} Drawn  `names` are in brackets */

/**
 * Later text can still join the last block ("1. a", a blank line, "2" and then ". b"), but no
 * earlier one.
 */
const UNSETTLED_BLOCKS = 2;
/** The beginning of a closing fence. */
const BEGUN_FENCE = /\n {0,3}(?:`+|~+)$/;

export class MarkdownView {
  #committed = "";
  /** How far the text has been read. */
  #read = 0;
  /** Of a table that was cut where the committed text ends. */
  #head = "";
  /** Whether something with a footnote, or a mention of one, was drawn since they were numbered. */
  #hasNewNotes = false;
  /** @type {Drawn[]} */ #settled = [];
  /** @type {Drawn[]} */ #tail = [];
  /** @type {Links} */ #links = noLinks();
  /** @type {Links} */ #settledLinks = noLinks();
  /** @type {Set<unknown>} */ #awaited = new Set();

  /** @param {Element} node */
  constructor(node) {
    this.node = node;
    this.footnotes = new Footnotes(node);
    node.replaceChildren();
  }

  /**
   * Returns whether all of the text is drawn: of what is new, it draws `most` characters at once.
   * @param {string} text
   * @param {boolean} [whole]
   * @param {number} [most]
   */
  set(text, whole = false, most = Infinity) {
    const all = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    if (!all.startsWith(this.#committed)) this.#clear();
    this.#read = Math.min(this.#read + most, all.length);
    const isAll = this.#read === all.length;
    const source = isAll ? all : all.slice(0, this.#read);
    const links = Object.assign(noLinks(), this.#settledLinks);
    const blocks = blocksOf(source.slice(this.#committed.length), links, this.#head);
    this.#learn(links);
    this.#draw(blocks.filter(isShown), whole && isAll);
    this.#commit(source, blocks);
    this.#number();
    this.#await(highlighter, "[data-code]");
    this.#await(mathematics, ".math");
    return isAll;
  }

  #number() {
    if (this.#hasNewNotes) this.footnotes.number();
    this.#hasNewNotes = false;
  }

  /**
   * When the library is there, draws again what needs it.
   * @param {import("./libraries.js").Library<any>} library
   * @param {string} selector
   */
  #await(library, selector) {
    const { arriving } = library;
    if (!arriving || this.#awaited.has(arriving)) return;
    this.#awaited.add(arriving);
    arriving.then(() => this.#redraw((drawn) => drawn.nodes.some((each) => each.matches(selector) || each.querySelector(selector))));
  }

  /** @param {(drawn: Drawn) => boolean} which */
  #redraw(which) {
    for (const list of [this.#settled, this.#tail]) {
      list.forEach((drawn, at) => {
        if (which(drawn)) list[at] = this.#replaced(drawn, drawn.block, drawn.growing, at);
      });
    }
    this.#number();
  }

  #clear() {
    this.#committed = "";
    this.#read = 0;
    this.#head = "";
    this.#settled = [];
    this.#tail = [];
    this.#links = noLinks();
    this.#settledLinks = noLinks();
    this.node.replaceChildren();
  }

  /**
   * When a definition appears or grows, draws the blocks again that mention its name.
   * @param {Links} links
   */
  #learn(links) {
    const names = changedNames(this.#links, links);
    this.#links = links;
    if (names.length) this.#redraw((drawn) => drawn.nodes.length > 0 && mentionsOne(drawn, names));
  }

  /** @param {Block[]} blocks @param {boolean} whole */
  #draw(blocks, whole) {
    for (const surplus of this.#tail.splice(blocks.length)) {
      remove(surplus);
      this.#hasNewNotes ||= surplus.block.raw.includes("[^");
    }
    blocks.forEach((block, at) => {
      const growing = !whole && at === blocks.length - 1;
      const drawn = this.#tail[at];
      if (drawn && drawn.block.raw === block.raw && drawn.growing === growing) return;
      this.#tail[at] = (drawn && grown(drawn, block, growing)) ?? this.#replaced(drawn, block, growing, at);
    });
  }

  /**
   * @param {Drawn|undefined} drawn
   * @param {Block} block
   * @param {boolean} growing
   * @param {number} at
   * @returns {Drawn}
   */
  #replaced(drawn, block, growing, at) {
    const made = this.#made(block, growing);
    this.#hasNewNotes ||= [block, drawn?.block].some((each) => each?.raw.includes("[^"));
    if (drawn?.nodes.length) made.nodes = morphed(drawn.nodes, made.nodes);
    else {
      const next = this.#nodeAfter(at);
      made.nodes.forEach((node) => this.node.insertBefore(node, next));
    }
    made.nodes.forEach(colourLater);
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
    const addsUp = source.startsWith(settled + first.raw);
    if (!addsUp) return; // marked's tokens differ from the text: read all of it again next time
    blocksOf(settled.slice(this.#committed.length), this.#settledLinks, this.#head);
    this.#committed = settled;
    this.#head = blocks[blocks.indexOf(first) - 1].next ?? "";
    this.#settled.push(...this.#tail.splice(0, shown.length - UNSETTLED_BLOCKS));
  }
}

/** @param {Drawn} drawn @param {string[]} names */
function mentionsOne(drawn, names) {
  const known = (drawn.names ??= namesIn(drawn.block.raw));
  return known.size > 0 && names.some((name) => known.has(name));
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

/**
 * The language of a top-level fence that is still open, else null.
 * @param {Block} block
 * @param {boolean} growing
 */
function openLanguage(block, growing) {
  return growing && block.type === "code" && isOpenFence(block.raw) ? languageOf(block.lang) : null;
}

/**
 * The drawn block with more text, if both are the same open code block; else null.
 * @param {Drawn} drawn
 * @param {Block} block
 * @param {boolean} growing
 * @returns {Drawn|null}
 */
function grown(drawn, block, growing) {
  const language = openLanguage(block, growing);
  const [figure] = drawn.nodes;
  const isSame = language !== null && openLanguage(drawn.block, drawn.growing) === language;
  if (!isSame || !(figure instanceof HTMLElement)) return null;
  growCodeBlock(figure, (block.text ?? "").replace(BEGUN_FENCE, ""));
  return { ...drawn, block, names: undefined };
}

/** The markdown that is drawn for a block. @param {Block} block @param {boolean} growing */
function drawable({ type, raw, head }, growing) {
  if (type === "code") return growing ? raw : withFence(raw);
  const text = (head ?? "") + raw;
  return growing && type !== "html" && type !== "math" ? completed(text) : text; // these are shown as they are
}

/** Closes the fence of a text that ended inside it. @param {string} raw */
function withFence(raw) {
  const [, fence] = /^ {0,3}(`{3,}|~{3,})/.exec(raw) ?? [];
  return fence && isOpenFence(raw) ? `${raw.replace(/\n$/, "")}\n${fence}` : raw;
}
