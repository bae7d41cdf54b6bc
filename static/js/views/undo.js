// @ts-check
/**
 * A line that says what was done, with Undo, for some seconds; longer while somebody points at it.
 * Ctrl+Z, or Cmd+Z, does the same where nothing is written. Loaded at the first need.
 */

import { button, element } from "../dom/element.js";
import { t } from "../language.js";

const SHOWN_FOR_MS = 10_000;
/** @type {(() => void)|null} */
let closeLast = null;

/**
 * @param {HTMLElement} root
 * @param {string} words
 * @param {() => void} undo
 * @param {() => void} over  called instead once it is too late
 */
export function showUndo(root, words, undo, over) {
  closeLast?.();
  const listening = new AbortController();
  const { signal } = listening;
  /** @type {number|undefined} */
  let timer;
  const close = () => {
    clearTimeout(timer);
    listening.abort();
    node.remove();
    if (closeLast === leave) closeLast = null;
  };
  const leave = () => {
    close();
    over();
  };
  const back = () => {
    close();
    undo();
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(leave, SHOWN_FOR_MS);
  };
  const undoButton = button(t("Undo"), "button", { "data-undo": "" }, back);
  const node = element("div", { class: "undo", role: "status", "data-undo-line": "" }, element("p", {}, words), undoButton);
  for (const type of ["pointerenter", "focusin"]) node.addEventListener(type, () => clearTimeout(timer));
  for (const type of ["pointerleave", "focusout"]) node.addEventListener(type, wait);
  root.addEventListener("keydown", (event) => isUndo(event) && back(), { signal });
  root.append(node);
  closeLast = leave;
  wait();
}

/** @param {KeyboardEvent} event */
function isUndo({ key, ctrlKey, metaKey, shiftKey, target }) {
  const field = target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement ? target : null;
  return key.toLowerCase() === "z" && (ctrlKey || metaKey) && !shiftKey && !field?.value;
}
