// @ts-check
/**
 * Footnotes in markdown: `[^name]` in the text, and `[^name]: words` below it. They are numbered in
 * the order in which the text mentions them, and link to each other. A mention whose footnote has
 * not come yet, or never comes, stays as it is written; a footnote stays where it is written.
 */

import { t } from "../language.js";

const MENTION = /^\[\^([^\]\s[]{1,60})\](?!\()/;
const LINE = String.raw`[^\n]+`;
const NEXT = String.raw`(?! {0,3}\[\^[^\]\s[]{1,60}\]:)`;
/** The words go on in the next lines, and after a blank line in those that are indented. */
const FOOTNOTE = new RegExp(
  String.raw`^ {0,3}\[\^([^\]\s[]{1,60})\]:[ \t]*((?:${LINE})?(?:\n${NEXT}${LINE})*(?:\n[ \t]*\n {4}${LINE}(?:\n${NEXT}${LINE})*)*)`,
);
const BEGINS = /\n {0,3}(?=\[\^[^\]\s[]{1,60}\]:)/;
/** At the end of a growing text: a mention, or a footnote's name, that has only begun. */
const BEGUN = /\[(?:\^[^\]\s[]{0,60})?$|(?:^|\n) {0,3}\[\^[^\]\s[]{1,60}\]$/;

/** For `marked`. @type {any[]} */
export const footnoteExtensions = [
  { name: "footnote", level: "block", start: blockStart, tokenizer: footnote, renderer: footnoteHtml },
  { name: "mention", level: "inline", start: (/** @type {string} */ src) => inlineStart(src), tokenizer: mention, renderer: mentionHtml },
];

/** Without a mention at the end that is still being written. @param {string} text */
export function withoutBegunMention(text) {
  return text.replace(BEGUN, "");
}

let views = 0;

/** The footnotes of one text: ids of theirs are of no other text on the page. */
export class Footnotes {
  #prefix = `note-${(views += 1)}`;
  /** @type {WeakMap<Element, {number: number, mentions: Element[]}>} how each was numbered last */
  #numbered = new WeakMap();

  /** @param {Element} node */
  constructor(node) {
    this.node = node;
  }

  /** Numbers what is drawn. What is right already is not touched. */
  number() {
    const texts = new Map([...this.node.querySelectorAll("[data-footnote]")].reverse().map((each) => [each.getAttribute("data-footnote"), each]));
    /** @type {Map<string, Element[]>} */
    const mentions = new Map();
    for (const each of this.node.querySelectorAll("sup[data-mention]")) {
      const name = each.getAttribute("data-mention") ?? "";
      if (!texts.has(name)) continue;
      if (mentions.has(name)) mentions.get(name)?.push(each);
      else mentions.set(name, [each]);
    }
    const names = new Set([...mentions.keys(), .../** @type {string[]} */ ([...texts.keys()].reverse())]);
    [...names].forEach((name, at) => this.#link(at + 1, mentions.get(name) ?? [], /** @type {Element} */ (texts.get(name))));
  }

  /** @param {number} number @param {Element[]} mentions @param {Element} text */
  #link(number, mentions, text) {
    if (this.#isLinked(number, mentions, text)) return;
    this.#numbered.set(text, { number, mentions });
    const id = `${this.#prefix}-${number}`;
    const backs = mentions.map((_, at) => `${id}-${at + 1}`);
    mentions.forEach((mention, at) => put(mention, [link(`#${id}`, String(number), "doc-noteref", backs[at])]));
    text.id = id;
    const marks = backs.map((back, at) => link(`#${back}`, at ? `↩${at + 1}` : "↩", "doc-backlink"));
    const [head, foot] = [span("footnote-number", [`${number}.`, " "]), span("footnote-backs", marks.flatMap((mark) => [" ", mark]))];
    const [first, last] = [text.querySelector(".footnote-number"), text.querySelector(".footnote-backs")];
    if (!first?.isEqualNode(head)) {
      first?.remove();
      text.prepend(head);
    }
    if (!last?.isEqualNode(foot)) {
      last?.remove();
      text.append(foot);
    }
  }

  /** Nothing has changed, and neither text nor mentions were drawn again. @param {number} number @param {Element[]} mentions @param {Element} text */
  #isLinked(number, mentions, text) {
    const before = this.#numbered.get(text);
    const isSame = before?.number === number && before.mentions.length === mentions.length && text.querySelector(":scope > .footnote-backs");
    return Boolean(isSame) && mentions.every((mention, at) => mention === before?.mentions[at] && mention.firstElementChild);
  }
}

/** @param {Element} node @param {Element[]} children */
function put(node, children) {
  const isThere = node.children.length === children.length && children.every((each, at) => each.isEqualNode(node.children[at]));
  if (!isThere) node.replaceChildren(...children);
}

/** @param {string} href @param {string} text @param {string} role @param {string} [id] */
function link(href, text, role, id) {
  const made = document.createElement("a");
  made.setAttribute("href", href);
  made.setAttribute("role", role);
  made.setAttribute("aria-label", role === "doc-noteref" ? t("Footnote {number}", { number: text }) : t("Back to the text"));
  if (id) made.id = id;
  made.textContent = text;
  return made;
}

/** @param {string} className @param {(string|Node)[]} children */
function span(className, children) {
  const made = document.createElement("span");
  made.className = className;
  made.append(...children);
  return made;
}

/** Where a footnote may interrupt a paragraph. @param {string} src */
function blockStart(src) {
  const end = src.indexOf("\n\n");
  const at = (end < 0 ? src : src.slice(0, end)).search(BEGINS);
  return at < 0 ? undefined : at + 1;
}

/** @this {any} @param {string} src */
function footnote(src) {
  const [raw, id, text] = FOOTNOTE.exec(src) ?? [];
  if (raw === undefined) return undefined;
  const tokens = this.lexer.inline(text.replace(/\n[ \t]*\n {4}/g, "\n").trim());
  return { type: "footnote", raw, id, tokens };
}

/** @param {string} src */
function inlineStart(src) {
  const at = src.indexOf("[^");
  return at < 0 ? undefined : at;
}

/** @param {string} src */
function mention(src) {
  const [raw, id] = src.startsWith("[^") ? MENTION.exec(src.slice(0, 70)) ?? [] : [];
  return raw && { type: "mention", raw, id };
}

/** @this {any} @param {{id: string, tokens: any[]}} token */
function footnoteHtml({ id, tokens }) {
  return `<p data-footnote="${escaped(id)}">${this.parser.parseInline(tokens)}</p>`;
}

/** @param {{id: string, raw: string}} token */
function mentionHtml({ id, raw }) {
  return `<sup data-mention="${escaped(id)}">${escaped(raw)}</sup>`;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
