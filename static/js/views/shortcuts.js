// @ts-check
/**
 * The keyboard: a new chat, the prompt, the last answer, and a sheet of all shortcuts, which is loaded
 * when it is opened. What belongs to one view listens there: Enter and Escape in the composer.
 */

import { hook, isComposing } from "../dom/hooks.js";
import { part } from "../dom/part.js";
import { View } from "./view.js";

export class ShortcutsView extends View {
  start() {
    this.on(document, "keydown", (event) => this.#onKeydown(event));
    this.on(hook(this.root, "shortcuts"), "click", () => this.#openSheet());
  }

  /** @param {KeyboardEvent} event */
  #onKeydown(event) {
    const act = event.defaultPrevented || isComposing(event) || this.root.querySelector("dialog[open]") ? null : this.#actionFor(event);
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** By the place of a letter's key where a keyboard has other letters. @param {KeyboardEvent} event */
  #actionFor({ key, code, ctrlKey, metaKey, shiftKey, altKey, target }) {
    const writes = target instanceof Element && target.matches("input, textarea, select, [contenteditable]");
    const chord = (ctrlKey || metaKey) && !altKey;
    if (chord && shiftKey && code === "KeyO") return () => hook(this.root, "new-chat").click();
    if (chord && shiftKey && code === "KeyC") return () => this.#copy();
    if (chord && key === "/") return () => this.#openSheet();
    if (chord || altKey || writes) return null;
    if (key === "?") return () => this.#openSheet();
    return key === "/" ? () => hook(this.root, "prompt").focus() : null;
  }

  /** The answer's own button copies, and says so. */
  #copy() {
    /** @type {HTMLElement|undefined} */ ([...this.root.querySelectorAll("[data-copy-answer]")].at(-1))?.click();
  }

  async #openSheet() {
    const loaded = await part(this.root, import("./shortcut-sheet.js"));
    if (loaded) await new loaded.ShortcutSheet(this.root).open();
  }
}
