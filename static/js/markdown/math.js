// @ts-check
/**
 * Mathematics in markdown: `\( \)`, `\[ \]`, `$ $` and `$$ $$`, never inside code. The source stays
 * in the text, unseen, so that it can be copied and found; if it is no formula, it is what is seen.
 */

import { mathematics } from "./libraries.js";

/** A formula by itself, up to a blank line; it holds no other block. */
const BLOCK = /^ {0,3}(?:\$\$|\\\[)(?:(?!\n[ \t]*\n)[\s\S])*/;
const BLOCK_BEGINS = /\n {0,3}(?=\$\$|\\\[)/;
const CLOSED_BLOCK = /^ {0,3}(?:\$\$((?:(?!\n[ \t]*\n)[^$])+)\$\$|\\\[((?:(?!\\\]|\n[ \t]*\n)[\s\S])+)\\\])[ \t]*(?:\n|$)/;
/** Text follows in the same line: it is part of a paragraph. */
const CLOSED_IN_LINE = /^ {0,3}(?:\$\$[^$\n]+\$\$|\\\[(?:(?!\\\])[^\n])+\\\])[ \t]*[^\s]/;
/** Each with what it encloses; a formula is no longer than this many characters. */
const INLINE = [
  { shape: /^\\\(((?:(?!\\\)|\n[ \t]*\n)[\s\S]){1,2000}?)\\\)/, display: false, begin: "\\(", end: "\\)" },
  { shape: /^\\\[((?:(?!\\\]|\n[ \t]*\n)[\s\S]){1,2000}?)\\\]/, display: true, begin: "\\[", end: "\\]" },
  { shape: /^\$\$((?:(?!\n[ \t]*\n)[^$]){1,2000}?)\$\$(?!\$)/, display: true, begin: "$$", end: "$$" },
  { shape: /^\$(?![\s$])((?:\\[^\n]|[^$`\\\n]){0,500}?(?:\\[^\n\s]|[^\s$`\\]))\$(?![\d$\p{L}])/u, display: false, begin: "$", end: "$" },
];
/** Two words in a row are prose, as in "$5 and costs $"; what follows a backslash is a command. */
const PROSE = /(?<![\\\p{L}{])\p{L}{3,}[ ,]+\p{L}{2,}/u;
/** A sum of money, and words behind it: "$5, or 6$". A number alone, or of a variable ("$2b$"), is a formula. */
const MONEY = /^\d[^\\^_=+*/<>{}|-]*$/;
const NUMBER = /^\d+(?:\.\d+)?[a-z]{0,2}$/i;
/** What is longer is no formula, and no mark that opens one is looked at for longer. */
const LONGEST = 4000;
/** The beginning of a formula that has not come to its end. */
const BEGUN = /(?<!\\)(\\[([](?:(?!\\[)\]]|\n[ \t]*\n)[\s\S])*|\$\$(?:(?!\n[ \t]*\n)[^$])*\$?|\\)$/;

/** @typedef {{type: "math", raw: string, source: string, tex: string|null, display: boolean}} MathToken */

/** For `marked`. @type {any[]} */
export const mathExtensions = [
  { name: "math", level: "block", start: blockStart, tokenizer: blockToken, renderer: html },
  { name: "inlineMath", level: "inline", start: inlineStart, tokenizer: inlineToken, renderer: html },
];

/** Without the formula at the end that is still being written. @param {string} text */
export function withoutBegunMath(text) {
  const [begun] = BEGUN.exec(text.slice(-LONGEST)) ?? [];
  const isNone = begun === undefined || begun.length === LONGEST || text.split("`").length % 2 === 0;
  return isNone ? text : text.slice(0, text.length - begun.length);
}

/**
 * The text, with its formulas changed.
 * @param {string} text
 * @param {(formula: string) => string} how
 */
export function changeMath(text, how) {
  let made = "";
  let from = 0;
  for (const { index } of text.matchAll(/\$|\\[([]/g)) {
    const found = index < from ? undefined : formulaAt(text.slice(index, index + LONGEST));
    if (!found?.tex) continue;
    made += text.slice(from, index) + how(found.raw);
    from = index + found.raw.length;
  }
  return made + text.slice(from);
}

/** Sets the formula that stands in this place as text. @param {Element} code */
export function furnishMath(code) {
  const display = code.getAttribute("data-math") === "display";
  const source = code.textContent ?? "";
  const box = document.createElement("span");
  box.className = display ? "math math-display" : "math";
  box.dir = "ltr";
  const words = document.createElement("span");
  words.className = "math-source";
  words.textContent = source;
  box.append(words);
  const set = formula(code.getAttribute("data-tex") ?? "", display);
  if (set) box.append(set);
  code.replaceWith(box);
}

/** @param {string} tex @param {boolean} display @returns {Element|null} null if it is none, or not yet */
function formula(tex, display) {
  const temml = mathematics.get();
  if (!temml) return null;
  const holder = document.createElement("span");
  try {
    temml.render(tex, holder, { displayMode: display, throwOnError: true, trust: false, maxExpand: 200, maxSize: [20, 200] });
  } catch {
    return null; // no formula: its source is shown
  }
  return holder.firstElementChild;
}

/** Where a formula by itself may interrupt a paragraph. @param {string} src */
function blockStart(src) {
  const end = src.indexOf("\n\n");
  const at = (end < 0 ? src : src.slice(0, end)).search(BLOCK_BEGINS);
  return at < 0 ? undefined : at + 1;
}

/** @this {any} @param {string} src */
function blockToken(src) {
  const [chunk] = BLOCK.exec(src) ?? [];
  if (!chunk || CLOSED_IN_LINE.test(chunk)) return undefined;
  const closed = CLOSED_BLOCK.exec(src.slice(0, LONGEST));
  if (!closed) return chunk.length < LONGEST ? paragraph(chunk, this.lexer) : undefined;
  return { type: "math", raw: closed[0], source: closed[0].trim(), tex: closed[1] ?? closed[2], display: true };
}

/**
 * A formula that is not closed is text, and still one block: what stands in it may be a list for
 * the time being, and be none when the end comes.
 * @param {string} raw
 * @param {any} lexer
 */
function paragraph(raw, lexer) {
  const text = raw.trim();
  return { type: "paragraph", raw, text, tokens: lexer.inline(text) };
}

/** @param {string} src */
function inlineStart(src) {
  const at = src.search(/\$|\\[([\])]/);
  return at < 0 ? undefined : at;
}

/** @this {any} @param {string} src */
function inlineToken(src) {
  if (!/^(?:\$|\\[([\])])/.test(src) || !this.lexer.tokenizer.affords(Math.min(src.length, LONGEST / 2))) return undefined;
  return formulaAt(src.slice(0, LONGEST));
}

/** @param {string} src @returns {MathToken|undefined} */
function formulaAt(src) {
  for (const { shape, display, begin, end } of INLINE) {
    if (!src.startsWith(begin) || !src.includes(end, 2)) continue; // quick, and most marks that open nothing end here
    const [raw, tex] = shape.exec(src) ?? [];
    if (raw && isFormula(raw, tex)) return { type: "inlineMath", raw, source: raw, tex, display };
  }
  const kept = /^\\[([\])]/.exec(src); // a formula's brackets are no escapes, also without their pair
  return kept ? { type: "inlineMath", raw: kept[0], source: kept[0], tex: null, display: false } : undefined;
}

/** @param {string} raw @param {string} tex */
function isFormula(raw, tex) {
  if (raw.startsWith("\\") || raw.startsWith("$$")) return tex.trim() !== "";
  return (!MONEY.test(tex) || NUMBER.test(tex)) && !PROSE.test(tex);
}

/** Markup that passes the sanitizer; `furnishMath` makes the formula from it. @param {MathToken} token */
function html({ source, tex, display, type }) {
  if (tex === null) return escaped(source);
  const code = `<code data-math="${display ? "display" : "inline"}" data-tex="${escaped(tex)}">${escaped(source)}</code>`;
  return type === "math" ? `<p>${code}</p>` : code;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
