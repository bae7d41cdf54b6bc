// @ts-check
/**
 * The last lines of a text that is still being written, made whole for the eye: marks that were opened are closed,
 * marks that have only begun are left out, so that nothing flickers from raw to rendered. Pure; used for the tail
 * alone, and never for a finished text.
 */

/** A line that may yet become an item, a heading's underline, a rule or a fence. */
const BEGUN_LINE = /(^|\n) {0,3}(?:[-=]+|[*+]|\d+[.)]?|#{1,6}|[`~]{1,3}|>) *$/;
/** A table's head before the line that makes it a table. */
const BEGUN_TABLE = /^ *\|[^\n]*(?:\n *[|: -]*)?$/;
const BEGUN_ADDRESS = /!?\[([^\]\n]*)\]\([^)\n]*$/;
const BEGUN_LINK = /!?\[([^\]\n]*)$/;
/** A fence inside an item or a quote. */
const FENCE_LINE = /^[ \t>]*(?:(?:[*+-]|\d+[.)])[ \t]+)*(?:`{3,}|~{3,})/gm;

/** @param {string} text @returns {string} */
export function mend(text) {
  if (BEGUN_TABLE.test(text)) return "";
  if ((text.match(FENCE_LINE) ?? []).length % 2) return text;
  const kept = text.replace(BEGUN_LINE, "");
  const start = kept.lastIndexOf("\n") + 1;
  return kept.slice(0, start) + mendLine(kept.slice(start));
}

/** @param {string} line */
function mendLine(line) {
  if (isOpen(line, "`")) return closed(line, "`");
  const linked = line.replace(BEGUN_ADDRESS, "$1").replace(BEGUN_LINK, "$1");
  return ["~~", "**", "*"].reduce((text, mark) => (isOpen(text, mark) ? closed(text, mark) : text), linked);
}

/** An odd mark opens, unless a space follows it as in "2 * 3". @param {string} line @param {string} mark */
function isOpen(line, mark) {
  const prose = mark === "`" ? line : withoutCode(line);
  const marks = mark === "*" ? prose.replace(/^\s*[*+-]\s/, "").replaceAll("**", "") : prose;
  const pieces = marks.split(mark);
  return pieces.length % 2 === 0 && !/^\s/.test(pieces[pieces.length - 1]);
}

/** @param {string} line */
function withoutCode(line) {
  return line.replace(/`[^`]*`/g, "");
}

/** @param {string} line @param {string} mark */
function closed(line, mark) {
  const text = line.trimEnd();
  return text.endsWith(mark) ? text.slice(0, -mark.length) : text + mark;
}
