// @ts-check
/**
 * A block of code with its language, a Copy button and colours. While its fence is open, its text
 * only grows; it is coloured once, when the fence closes and the library is there: a long one in a
 * worker, and put into the page piece by piece, since both would hold it up.
 *
 * Many lines stand in several boxes, so that one more line lays out only the last of them.
 */

import { t } from "../language.js";
import { highlighter } from "./libraries.js";

/** More colours would cost memory, and help nobody read. */
const MAX_COLOURED_CHARS = 100_000;
/** A longer text is coloured in the worker: this much takes some 10 ms. */
const MAX_AT_ONCE_CHARS = 4_000;
/** Lines in one box. */
const LINES = 50;
/** A language whose source is a picture: it is drawn when somebody asks for it. */
const DIAGRAM = "mermaid";
/** Milliseconds after which the page may do something else. */
const TURN_MS = 8;

/** @typedef {{language: string, text: string, closed: boolean}} Code */

/** @param {Code} code @returns {HTMLElement} */
export function codeBlock({ language, text, closed }) {
  const figure = element("figure", "code");
  figure.dataset.code = language;
  figure.dir = "ltr"; // whatever the language of the text around it
  const name = element("figcaption", "code-head");
  const label = element("span", "code-language");
  label.textContent = language || t("text");
  const tools = element("span", "code-tools");
  tools.append(...(language === DIAGRAM && closed ? [button(t("Draw"), "drawDiagram")] : []), button(t("Copy"), "copyCode"));
  name.append(label, tools);
  const code = element("code");
  const isLong = text.length > MAX_AT_ONCE_CHARS;
  const library = closed && !isLong ? highlighter.get() : null;
  if (closed && isLong && language && text.length <= MAX_COLOURED_CHARS) figure.dataset.uncoloured = "";
  if (library?.hljs.getLanguage(language)) {
    const { value } = library.hljs.highlight(text, { language, ignoreIllegals: true });
    code.append(...library.colouredLines(value, LINES));
  } else grow(code, text);
  const scroller = element("pre", "code-body");
  scroller.tabIndex = 0;
  scroller.append(code);
  figure.append(name, scroller);
  return figure;
}

/**
 * Makes an open block longer; changes nothing but its text.
 * @param {HTMLElement} figure
 * @param {string} text
 */
export function growCodeBlock(figure, text) {
  const code = figure.querySelector("code");
  if (code instanceof HTMLElement) grow(code, text);
}

/** Colours the long blocks of code in a node that is in its place. @param {Element} node */
export function colourLater(node) {
  const wanted = "figure[data-uncoloured]";
  for (const figure of node.matches(wanted) ? [node] : node.querySelectorAll(wanted)) colourLong(/** @type {HTMLElement} */ (figure));
}

/** @param {HTMLElement} figure */
async function colourLong(figure) {
  const code = /** @type {HTMLElement} */ (figure.querySelector("code"));
  const text = code.textContent ?? "";
  const [{ colouredLines }, { colouredElsewhere }] = await Promise.all([import("./coloured.js"), import("./worker.js")]);
  const value = await colouredElsewhere(text, figure.dataset.code ?? "");
  if (value === null || figure.dataset.uncoloured === undefined || code.textContent !== text) return;
  delete figure.dataset.uncoloured;
  let began = performance.now();
  let at = 0;
  for (const box of colouredLines(value, LINES)) {
    if (performance.now() - began > TURN_MS) {
      await new Promise((resolve) => setTimeout(resolve));
      if (code.textContent?.length !== text.length) return; // drawn again in the meantime
      began = performance.now();
    }
    code.childNodes[at]?.replaceWith(box);
    at += 1;
  }
}

/** @param {HTMLElement} code @param {string} text */
function grow(code, text) {
  const had = code.textContent ?? "";
  if (text.startsWith(had)) return append(code, text.slice(had.length));
  code.replaceChildren();
  append(code, text);
}

/** @param {HTMLElement} code @param {string} more */
function append(code, more) {
  const last = code.lastChild;
  const begun = last?.textContent ?? "";
  const boxes = inBoxes(begun + more);
  if (boxes.length === 1 && last instanceof Text) return last.appendData(more);
  if (boxes.length === 1 && last?.firstChild instanceof Text) return last.firstChild.appendData(more);
  last?.remove();
  const isOnly = boxes.length === 1 && !code.hasChildNodes();
  code.append(...(isOnly ? boxes : boxes.map(box)));
}

/** The text, cut behind each so many lines. @param {string} text @returns {string[]} */
function inBoxes(text) {
  const boxes = [];
  let [from, lines] = [0, 0];
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) {
    lines += 1;
    if (lines % LINES || end + 1 === text.length) continue;
    boxes.push(text.slice(from, end + 1));
    from = end + 1;
  }
  return [...boxes, text.slice(from)];
}

/** @param {string} text */
function box(text) {
  const lines = element("span", "code-lines");
  lines.append(document.createTextNode(text));
  return lines;
}

/** @param {string} text @param {string} name  of its hook */
function button(text, name) {
  const made = element("button", "code-copy");
  made.setAttribute("type", "button");
  made.dataset[name] = "";
  made.textContent = text;
  return made;
}

/** @param {string} name @param {string} [className] @returns {HTMLElement} */
function element(name, className = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  return made;
}
