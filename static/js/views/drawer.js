// @ts-check
/** On a phone the list of conversations is a drawer over the page. */

import { hook } from "../dom/hooks.js";
import { View } from "./view.js";

export class DrawerView extends View {
  /** @param {HTMLElement} root */
  constructor(root) {
    super(root);
    this.open = hook(root, "drawer-open");
    this.drawer = hook(root, "drawer");
    this.main = hook(root, "main");
  }

  start() {
    this.on(this.open, "click", () => this.#set(true));
    this.on(hook(this.root, "scrim"), "click", () => this.#set(false));
    this.on(this.drawer, "click", ({ target }) => {
      if (target instanceof Element && target.closest("a[data-route], [data-drawer-close]")) this.#set(false);
    });
    this.on(this.root, "keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || !this.#isOpen()) return;
      event.preventDefault(); // it stops no answer
      this.#set(false);
    });
  }

  #isOpen() {
    return this.root.hasAttribute("data-drawer-shown");
  }

  /** @param {boolean} open */
  #set(open) {
    if (open === this.#isOpen()) return;
    this.root.toggleAttribute("data-drawer-shown", open);
    this.open.setAttribute("aria-expanded", String(open));
    this.main.inert = open;
    if (open) hook(this.drawer, "drawer-close").focus();
    else this.open.focus();
  }
}
