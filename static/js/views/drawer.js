// @ts-check
/** On a phone the list of conversations is a drawer over the page. */

import { hook } from "../dom/hooks.js";

export class DrawerView {
  constructor() {
    this.open = hook(document, "drawer-open");
    this.drawer = hook(document, "drawer");
    this.main = hook(document, "main");
  }

  start() {
    this.open.addEventListener("click", () => this.#set(true));
    hook(document, "scrim").addEventListener("click", () => this.#set(false));
    this.drawer.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest("a[data-route], [data-drawer-close]")) this.#set(false);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#isOpen()) this.#set(false);
    });
  }

  #isOpen() {
    return document.body.hasAttribute("data-drawer-shown");
  }

  /** @param {boolean} open */
  #set(open) {
    if (open === this.#isOpen()) return;
    document.body.toggleAttribute("data-drawer-shown", open);
    this.open.setAttribute("aria-expanded", String(open));
    this.main.inert = open;
    if (open) hook(this.drawer, "drawer-close").focus();
    else this.open.focus();
  }
}
