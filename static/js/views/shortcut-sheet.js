// @ts-check
/** The sheet of keyboard shortcuts. Loaded when it is opened. */

import { Dialog } from "../dom/dialog.js";
import { element } from "../dom/element.js";
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
  [t("This sheet, while you write"), [MOD, "/"]],
];

export class ShortcutSheet extends Dialog {
  /** @param {HTMLElement} root */
  constructor(root) {
    super(root, "shortcuts", t("Keyboard shortcuts"));
    this.fill(element("dl", { class: "shortcuts" }, ...SHORTCUTS.flatMap(([what, keys]) => [element("dt", {}, what), withKeys(keys)])));
    this.row(this.closing(t("Close")));
    this.closesBeside();
  }

  async open() {
    await withSheet(this.root);
    super.open();
  }
}

/** @param {string[]} keys */
function withKeys(keys) {
  return element("dd", {}, ...keys.flatMap((key, at) => [...(at ? [" "] : []), element("kbd", {}, key)]));
}
