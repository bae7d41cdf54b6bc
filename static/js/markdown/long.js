// @ts-check
/**
 * Cuts blocks that would never end. What a growing block costs for each piece that comes grows with
 * the block: a list of 3,000 lines, or a paragraph without a break, would hold the page up. Beyond
 * a length a paragraph, list, table or quote goes on as a second one. Where it is cut follows from
 * the text before the cut alone, so that the result is the same however the text came.
 */

import { BoundedTokenizer } from "./bounded.js";

/** A block of so many characters is cut, at the first good place after the other number of them. */
const TOO_LONG = 6000;
const CUT_AFTER = 4000;
/**
 * The end of a line, of a sentence, of a word; else anywhere. What follows begins no other block: it
 * is a letter, or at least no mark of one.
 */
const BREAKS = [
  /\n(?=\p{L})/gu,
  /[.!?。！？]["'”’)]*[ \n]*(?=\p{L})/gu,
  /[ \n](?=\p{L})/gu,
  /(?=[^\s\d*+>#=|<_`~-])/gu,
];
/** Marks that come in pairs: a cut between them would leave both open. */
const PAIRS = ["`", "**", "["];
const QUOTE_LINE = /\n(?= {0,3}> ?[\p{L}*_`])/gu;
const EMPTY_QUOTE_LINE = /(?<=\n {0,3}> *)\n(?= {0,3}>)/g;
const FENCE_IN_QUOTE = /^ {0,3}> {0,4}(?:```|~~~)/gm;

export class LongTokenizer extends BoundedTokenizer {
  #table;

  /** @param {any} options @param {{head: string, left: number}} table  a cut one's head, and how much text is left */
  constructor(options, table) {
    super(options);
    this.#table = table;
  }

  /** @param {string} src */
  paragraph(src) {
    const [raw] = this.rules.block.paragraph.exec(src) ?? [];
    return super.paragraph(raw && raw.length >= TOO_LONG ? src.slice(0, proseCut(raw)) : src);
  }

  /** A title has an end. @param {string} src */
  lheading(src) {
    const token = super.lheading(src);
    return token && token.raw.length < CUT_AFTER ? token : undefined;
  }

  /** @param {string} src @returns {any} */
  list(src) {
    const token = super.list(src);
    const cut = token && token.raw.length >= TOO_LONG ? listCut(token) : 0;
    return cut ? super.list(src.slice(0, cut)) : token;
  }

  /** @param {string} src @returns {any} */
  blockquote(src) {
    const token = super.blockquote(src);
    const cut = token && token.raw.length >= TOO_LONG ? quoteCut(token.raw) : 0;
    return cut ? super.blockquote(src.slice(0, cut)) : token;
  }

  /** A table that goes on has the same head again. @param {string} src @returns {any} */
  table(src) {
    const { head, left } = this.#table;
    const isMore = head !== "" && left === src.length;
    const text = isMore ? head + src : src;
    const found = this.rules.block.table.exec(text);
    if (!found) return undefined;
    const cut = found[0].length >= TOO_LONG ? text.indexOf("\n", CUT_AFTER) + 1 : 0;
    const token = super.table(cut ? text.slice(0, cut) : text);
    if (!token) return undefined;
    if (isMore) Object.assign(token, { raw: token.raw.slice(head.length), head });
    if (!cut) return token;
    const next = isMore ? head : headOf(text);
    const raw = `${token.raw}\n`; // marked leaves the last line's end out
    this.#table = { head: next, left: src.length - raw.length };
    return Object.assign(token, { raw, next });
  }
}

/** The head of a table, with the line below it. @param {string} table */
function headOf(table) {
  return table.slice(0, table.indexOf("\n", table.indexOf("\n") + 1) + 1);
}

/** Where a paragraph is cut; its length if nowhere. @param {string} raw */
function proseCut(raw) {
  const text = raw.slice(0, TOO_LONG);
  for (const shape of BREAKS) {
    const ends = [...text.matchAll(shape)].map(({ index, 0: found }) => index + found.length).filter((end) => end >= CUT_AFTER);
    const end = ends.find((each) => isPaired(text.slice(0, each))) ?? ends[0];
    if (end) return end;
  }
  return raw.length;
}

/** @param {string} text */
function isPaired(text) {
  const isEven = PAIRS.slice(0, 2).every((mark) => text.split(mark).length % 2 === 1);
  return isEven && text.lastIndexOf("[") <= text.lastIndexOf("]");
}

/** After an item whose number the next one follows, or 0. @param {any} list */
function listCut({ items, ordered, start }) {
  let length = 0;
  for (let at = 0; at < items.length - 1; at += 1) {
    length += items[at].raw.length;
    const follows = !ordered || Number.parseInt(items[at + 1].raw, 10) === start + at + 1;
    if (length >= CUT_AFTER && follows) return length;
  }
  return 0;
}

/** After an empty line of the quote, else after any line, outside of code; or 0. @param {string} raw */
function quoteCut(raw) {
  const fitting = (/** @type {RegExp} */ shape, /** @type {string} */ text) =>
    [...text.matchAll(shape)].map(({ index }) => index + 1).find((end) => end >= CUT_AFTER && isOutsideOfCode(raw.slice(0, end)));
  return fitting(EMPTY_QUOTE_LINE, raw.slice(0, TOO_LONG)) ?? fitting(QUOTE_LINE, raw) ?? 0;
}

/** @param {string} quote */
function isOutsideOfCode(quote) {
  return (quote.match(FENCE_IN_QUOTE)?.length ?? 0) % 2 === 0;
}
