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
/** Scripts that are written without spaces. CommonMark takes marks between them and a quote for text. */
const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303F\uFF00-\uFFEF]/u;
/** Emphasis that holds none, up to its end. */
const PLAIN_EMPHASIS = /^(\*{1,3})(?![\s*])([^*`\\\n]{0,1000}[^*`\\\s])\1(?!\*)/;
const ADDRESS = /^(?:https?:\/\/|ftp:\/\/|www\.)/i;
/** Ends a sentence, or a quote, around an address; no address holds it unescaped. */
const AFTER_ADDRESS = /[\u3000-\u303F\uFF01\uFF08\uFF09\uFF0C\uFF0E\uFF1A\uFF1B\uFF1F\uFF5E\u2018-\u201F\u2026]/;

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
    if (!opens || this.#emphasis >= MAX_DEPTH || !this.affords(EMPHASIS * src.length)) return undefined;
    this.#emphasis += 1;
    try {
      return this.#emphasisInCjk(src, prevChar) ?? super.emStrong(src, maskedSrc, prevChar);
    } finally {
      this.#emphasis -= 1;
    }
  }

  /** @param {string} src @param {string} maskedSrc @param {string} [prevChar] */
  del(src, maskedSrc, prevChar) {
    return src[0] === "~" && this.affords(src.length) ? super.del(src, maskedSrc, prevChar) : undefined;
  }

  /** @param {string} src */
  link(src) {
    return "![".includes(src[0]) && this.affords(src.length) ? super.link(src) : undefined;
  }

  /** @param {string} src @param {Record<string, any>} links */
  reflink(src, links) {
    return "![".includes(src[0]) && this.affords(src.length) ? super.reflink(src, links) : undefined;
  }

  /** @param {string} src */
  codespan(src) {
    return src[0] === "`" && this.affords(src.length) ? super.codespan(src) : undefined;
  }

  /** @param {string} src */
  tag(src) {
    return src[0] === "<" && this.affords(src.length) ? super.tag(src) : undefined;
  }

  /** @param {string} src */
  escape(src) {
    return src[0] === "\\" && this.affords(src.length) ? super.escape(src) : undefined;
  }

  /** @param {string} src */
  url(src) {
    if (!this.affords(src.length)) return undefined;
    const end = ADDRESS.test(src) ? src.search(AFTER_ADDRESS) : -1;
    return super.url(end < 0 ? src : src.slice(0, end));
  }

  /**
   * The text up to the next mark; all of it once nothing more may be looked at.
   * @param {string} src
   */
  inlineText(src) {
    if (this.affords(src.length)) return super.inlineText(src);
    return { type: "text", raw: src, text: src, escaped: false };
  }

  /**
   * @param {string} src
   * @param {string} prevChar
   */
  #emphasisInCjk(src, prevChar) {
    const [raw, marks, text] = PLAIN_EMPHASIS.exec(src) ?? [];
    if (!raw || !(CJK.test(prevChar) || CJK.test(src.charAt(raw.length)))) return undefined;
    const tokens = this.lexer.inlineTokens(text);
    const strong = { type: "strong", raw, text, tokens };
    if (marks.length === 2) return strong;
    if (marks.length === 1) return { ...strong, type: "em" };
    const inner = { ...strong, raw: raw.slice(1, -1) };
    return { type: "em", raw, text: inner.raw, tokens: [inner] };
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

  /** Whether so many characters may be looked at now. @param {number} characters */
  affords(characters) {
    this.#left -= characters;
    return this.#left > 0;
  }
}
