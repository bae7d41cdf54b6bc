// @ts-check
/** The sheet of keyboard shortcuts: a dialog, made when it is opened for the first time. */

import { withSheet } from "../dom/sheet.js";
import { t } from "../language.js";

const MOD = /Mac|iP(hone|ad)/.test(navigator.platform) ? "⌘" : "Ctrl";

/** @type {[string, string[]][]} */
const SHORTCUTS = [
  [t("Send, or queue while an answer runs"), ["Enter"]],
  [t("Begin a line"), ["Shift", "Enter"]],
  [t("Stop the answer"), ["Esc"]],
  [t("New chat"), [MOD, "Shift", "O"]],
  [t("Search all conversations"), [MOD, "K"]],
  [t("Go to the prompt"), ["/"]],
  [t("Copy the last answer"), [MOD, "Shift", "C"]],
  [t("This sheet"), ["?"]],
];

/** @param {HTMLElement} root */
export async function openSheet(root) {
  await withSheet(root);
  const old = /** @type {HTMLDialogElement|null} */ (root.querySelector("dialog.shortcuts"));
  const sheet = old ?? made();
  if (!old) root.append(sheet);
  sheet.showModal();
}

function made() {
  const sheet = Object.assign(document.createElement("dialog"), { className: "dialog shortcuts" });
  const title = Object.assign(document.createElement("h2"), { id: "shortcuts-title", textContent: t("Keyboard shortcuts") });
  sheet.setAttribute("aria-labelledby", title.id);
  const list = document.createElement("dl");
  for (const [what, keys] of SHORTCUTS) list.append(text("dt", what), withKeys(keys));
  const row = Object.assign(document.createElement("form"), { className: "dialog-row", method: "dialog" });
  row.append(Object.assign(text("button", t("Close")), { className: "button" }));
  sheet.append(title, list, row);
  sheet.addEventListener("click", ({ target }) => target === sheet && sheet.close()); // beside it
  return sheet;
}

/** @param {string[]} keys */
function withKeys(keys) {
  const place = document.createElement("dd");
  keys.forEach((key, at) => place.append(...(at ? [" "] : []), text("kbd", key)));
  return place;
}

/** @param {string} tag @param {string} words */
function text(tag, words) {
  return Object.assign(document.createElement(tag), { textContent: words });
}
