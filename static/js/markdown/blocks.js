// @ts-check
/**
 * Markdown to DOM, one block at a time: remend completes a block that still grows, marked reads it,
 * DOMPurify removes what is not allowed, and what is left gets this page's shape. Keeps no state.
 *
 * HTML in a model's text is shown as text, except for a few harmless inline tags: a sentence about
 * `<script>` stays readable, and nothing that a model writes acts.
 */

import { Lexer, Marked, Parser } from "../../vendor/marked/marked.esm.js";
import remend, { isWithinCodeBlock } from "../../vendor/remend/index.js";
import { codeBlock } from "./code.js";
import { footnoteExtensions, withoutBegunMention } from "./footnotes.js";
import { furnish } from "./furnish.js";
import { LongTokenizer } from "./long.js";
import { changeMath, furnishMath, mathExtensions, withoutBegunMath } from "./math.js";
import { sanitized } from "./sanitize.js";

/**
 * @typedef {Record<string, {href: string, title: string}>} Links  definitions like `[name]: address`
 */
/**
 * `head`, `next`: of a table that was cut: what stands above its rows, and above those that follow.
 * @typedef {{type: string, raw: string, text?: string, lang?: string, head?: string, next?: string}} Block
 */

const HARMLESS_TAG = /&lt;(\/?(?:b|i|u|s|em|strong|del|ins|sub|sup|kbd|mark|small|br))\s*\/?&gt;/gi;
/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** A line that may yet become an item, a heading, its underline, a rule, a quote or a fence. */
const BEGUN_LINE = /(^|\n) {0,3}(?:[-=]+|[*+]|\d+[.)]?|#{1,6}|[`~]{1,3}|>) *$/;
/** A table's head before the line that makes it a table. */
const BEGUN_TABLE = /^ *\|[^\n]*(?:\n *[|: -]*)?$/;
/**
 * A link or image whose address is not complete, or may yet begin. It may hold pairs of brackets.
 */
const BEGUN_ADDRESS = /!?\[([^\]\n]*)\](?:\((?:[^()`\n]|\([^()`\n]*\))*(?:\([^()`\n]*)?)?$/;

/** remend's other rules would draw a block unlike what it becomes: they are off. */
const REMEND = /** @type {const} */ ({
  comparisonOperators: false,
  htmlTags: false,
  katex: false,
  setextHeadings: false,
  singleTilde: false,
  linkMode: "text-only",
});
/**
 * Marks that open nothing here, though remend thinks so: a dollar, a lone asterisk, marks in an
 * address.
 */
const PLAIN_MARKS = /[$]|(?<=\s)\*+(?=\s)|https?:\/\/\S+/g;
/** They are hidden from it behind noncharacters, which appear in no text. */
const STAND_INS = Object.freeze({ $: "\uFDD0", "*": "\uFDD1", _: "\uFDD2" });

const options = new Marked({
  gfm: true,
  breaks: true,
  extensions: [...mathExtensions, ...footnoteExtensions],
  renderer: {
    code: codeHtml,
    html: (/** @type {{text: string, block?: boolean}} */ { text, block }) =>
      block ? `<p data-raw="1">${harmless(text.trimEnd())}</p>` : harmless(text),
    checkbox: (/** @type {{checked: boolean}} */ { checked }) => `<code data-task="${checked ? "done" : "open"}"></code> `,
  },
}).defaults;

/**
 * The blocks of a text, unrendered. Adds the names that it defines to `links`; an earlier
 * definition wins.
 * @param {string} text
 * @param {Links} links
 * @param {string} [head]  of the table that the text goes on with
 * @returns {Block[]}
 */
export function blocksOf(text, links, head = "") {
  return lexer(links, { head, left: text.length }).blockTokens(text, []);
}

/**
 * @param {string} raw  one block's markdown
 * @param {Links} links
 * @param {boolean} [growing]  an open fence may then get more text
 * @returns {DocumentFragment}
 */
export function renderBlock(raw, links, growing = false) {
  const tokens = lexer(Object.assign(Object.create(null), links)).lex(raw);
  const fragment = sanitized(Parser.parse(tokens, options));
  fragment.querySelectorAll("code[data-math]").forEach(furnishMath);
  fragment.querySelectorAll("pre > code").forEach((code) => furnishCode(code, growing));
  furnish(fragment);
  return fragment;
}

/**
 * A block that is still being written, completed for the eye: marks that were opened are closed,
 * and marks that have only begun are left out, so that nothing flickers from raw to rendered.
 * @param {string} raw
 * @returns {string}
 */
export function completed(raw) {
  if (BEGUN_TABLE.test(raw)) return "";
  if (isWithinCodeBlock(raw, raw.length)) return raw;
  const text = withoutBegunAddress(withoutBegunMention(withoutBegunMath(raw.replace(BEGUN_LINE, "")))).trimEnd();
  return showPlainMarks(remend(withoutBegunMarks(hidePlainMarks(text)), REMEND));
}

/** @param {string} text */
function withoutBegunAddress(text) {
  const inCode = text.split("`").length % 2 === 0;
  return inCode ? text : text.replace(BEGUN_ADDRESS, (found, label) => (label.startsWith("^") ? found : label));
}

/**
 * Drops the marks at the end that open something: those after a space, and those that remend would
 * close if text followed.
 * @param {string} text
 */
function withoutBegunMarks(text) {
  const [marks] = /(?:\*+|_+|~+|`+)$/.exec(text) ?? [];
  if (!marks) return text;
  const before = text.slice(0, -marks.length);
  const opens = /(?:^|\s)$/.test(before) || remend(`${text}x`, REMEND).endsWith(`x${marks}`);
  return opens ? before : text;
}

/** @param {string} text */
function hidePlainMarks(text) {
  const hidden = changeMath(text, (formula) => hideMarks(formula, /[$*_]/g));
  return hidden.replace(PLAIN_MARKS, (found) => {
    return hideMarks(found, found.startsWith("*") ? /\*/g : /[$_]/g); // asterisks may end an address's emphasis
  });
}

/** @param {string} text @param {RegExp} marks */
function hideMarks(text, marks) {
  return text.replace(marks, (mark) => STAND_INS[/** @type {"$"|"*"|"_"} */ (mark)]);
}

/** @param {string} text */
function showPlainMarks(text) {
  return Object.entries(STAND_INS).reduce((shown, [mark, standIn]) => shown.replaceAll(standIn, () => mark), text);
}

/** Whether a block is a fence that is not closed yet. @param {string} raw */
export function isOpenFence(raw) {
  const [, fence] = /^ {0,3}(`{3,}|~{3,})/.exec(raw) ?? [];
  if (!fence) return false;
  const lines = raw.trimEnd().split("\n");
  const last = lines[lines.length - 1].trim();
  return lines.length < 2 || last.length < fence.length || last !== fence[0].repeat(last.length);
}

/** @param {string|undefined} info  the text behind the fence */
export function languageOf(info) {
  return (info ?? "").trim().split(/[\s,{:]/, 1)[0].toLowerCase();
}

/** @param {Links} links @param {{head: string, left: number}} [table] */
function lexer(links, table = { head: "", left: 0 }) {
  const made = new Lexer({ ...options, tokenizer: new LongTokenizer(options, table) });
  Object.assign(made.tokens, { links });
  return made;
}

/**
 * Markup that passes the sanitizer; `furnishCode` makes the block from it.
 * @param {{raw: string, text: string, lang?: string}} code
 */
function codeHtml({ raw, text, lang }) {
  const open = isOpenFence(raw) ? ' data-open="1"' : "";
  return `<pre><code data-language="${escaped(languageOf(lang))}"${open}>${escaped(text)}</code></pre>`;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** @param {string} text */
function harmless(text) {
  return escaped(text).replace(HARMLESS_TAG, "<$1>");
}

/** @param {Element} code @param {boolean} growing */
function furnishCode(code, growing) {
  const language = code.getAttribute("data-language") ?? "";
  const closed = !growing || !code.hasAttribute("data-open");
  code.parentElement?.replaceWith(codeBlock({ language, text: code.textContent ?? "", closed }));
}
