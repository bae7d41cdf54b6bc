// @ts-check
/**
 * marked's tokenizer, with an end to what one text may cost. Its time grows with the square of the
 * marks that open something and close nothing, and its stack with each level of quotes and lists:
 * 50 KB of `*_a` would take a minute, and 2,000 `>` break the page. Beyond the bounds marks are
 * text.
 */

import { Tokenizer } from "../../vendor/marked/marked.esm.js";

/** Levels of quotes and lists, and of emphasis: more than anybody reads. */
const MAX_DEPTH = 24;
/**
 * Characters that may be looked at, over and over, for what marks open and close. Ordinary text
 * takes a hundredth, and this many some 50 ms.
 */
const MAX_LOOKED_AT = 10_000_000;
/** What looking for the end of emphasis costs, compared with looking for the next mark. */
const EMPHASIS = 8;
/** Marks that cannot open emphasis: looking goes no further. */
const OPENS_NOTHING = /^[*_]+(?:\s|$)/;
const IN_WORD = /[\p{L}\p{N}]$/u;

export class BoundedTokenizer extends Tokenizer {
  #depth = 0;
  #emphasis = 0;
  #left = MAX_LOOKED_AT;

  /** @param {string} src */
  blockquote(src) {
    return this.#nested(() => super.blockquote(src));
  }

  /** @param {string} src */
  list(src) {
    return this.#nested(() => super.list(src));
  }

  /** @param {string} src @param {string} maskedSrc @param {string} [prevChar] */
  emStrong(src, maskedSrc, prevChar = "") {
    const opens = "*_".includes(src[0]) && !OPENS_NOTHING.test(src) && !(src[0] === "_" && IN_WORD.test(prevChar));
    if (!opens || this.#emphasis >= MAX_DEPTH || !this.#affords(EMPHASIS * src.length)) return undefined;
    this.#emphasis += 1;
    try {
      return super.emStrong(src, maskedSrc, prevChar);
    } finally {
      this.#emphasis -= 1;
    }
  }

  /** @param {string} src @param {string} maskedSrc @param {string} [prevChar] */
  del(src, maskedSrc, prevChar) {
    return src[0] === "~" && this.#affords(src.length) ? super.del(src, maskedSrc, prevChar) : undefined;
  }

  /** @param {string} src */
  link(src) {
    return "![".includes(src[0]) && this.#affords(src.length) ? super.link(src) : undefined;
  }

  /** @param {string} src @param {Record<string, any>} links */
  reflink(src, links) {
    return "![".includes(src[0]) && this.#affords(src.length) ? super.reflink(src, links) : undefined;
  }

  /** @param {string} src */
  codespan(src) {
    return src[0] === "`" && this.#affords(src.length) ? super.codespan(src) : undefined;
  }

  /** @param {string} src */
  tag(src) {
    return src[0] === "<" && this.#affords(src.length) ? super.tag(src) : undefined;
  }

  /** @param {string} src */
  escape(src) {
    return src[0] === "\\" && this.#affords(src.length) ? super.escape(src) : undefined;
  }

  /** @param {string} src */
  url(src) {
    return this.#affords(src.length) ? super.url(src) : undefined;
  }

  /**
   * The text up to the next mark; all of it once nothing more may be looked at.
   * @param {string} src
   */
  inlineText(src) {
    if (this.#affords(src.length)) return super.inlineText(src);
    return { type: "text", raw: src, text: src, escaped: false };
  }

  /**
   * @template T
   * @param {() => T} read
   * @returns {T | undefined}
   */
  #nested(read) {
    if (this.#depth >= MAX_DEPTH) return undefined;
    this.#depth += 1;
    try {
      return read();
    } finally {
      this.#depth -= 1;
    }
  }

  /** @param {number} characters  to be looked at now */
  #affords(characters) {
    this.#left -= characters;
    return this.#left > 0;
  }
}
