// @ts-check
/**
 * A block of code with its language, a Copy button and colours. While its fence is open, its text
 * only grows; it is coloured once, when the fence closes and the library is there.
 */

import { t } from "../language.js";
import { highlighter } from "./libraries.js";
import { sanitized } from "./sanitize.js";

/** Colouring a longer text would block the page. */
const MAX_COLOURED_CHARS = 60_000;

/** @typedef {{language: string, text: string, closed: boolean}} Code */

/** @param {Code} code @returns {HTMLElement} */
export function codeBlock({ language, text, closed }) {
  const figure = element("figure", "code");
  figure.dataset.code = language;
  figure.dir = "ltr"; // whatever the language of the text around it
  const name = element("figcaption", "code-head");
  const label = element("span", "code-language");
  label.textContent = language || t("text");
  name.append(label, copyButton());
  const code = element("code");
  code.append(document.createTextNode(text));
  const scroller = element("pre", "code-body");
  scroller.tabIndex = 0;
  scroller.append(code);
  figure.append(name, scroller);
  if (closed) colour(code, language, text);
  return figure;
}

/**
 * Makes an open block longer; changes nothing but its text.
 * @param {HTMLElement} figure
 * @param {string} text
 */
export function growCodeBlock(figure, text) {
  const node = /** @type {Text} */ (figure.querySelector("code")?.firstChild);
  if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else node.data = text;
}

/** @param {HTMLElement} code @param {string} language @param {string} text */
function colour(code, language, text) {
  const hljs = language && text.length <= MAX_COLOURED_CHARS ? highlighter.get() : null;
  if (!hljs?.getLanguage(language)) return;
  const { value } = hljs.highlight(text, { language, ignoreIllegals: true });
  code.replaceChildren(sanitized(value, { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"] }));
}

function copyButton() {
  const button = element("button", "code-copy");
  button.setAttribute("type", "button");
  button.dataset.copyCode = "";
  button.textContent = t("Copy");
  return button;
}

/** @param {string} name @param {string} [className] @returns {HTMLElement} */
function element(name, className = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  return made;
}
