// @ts-check
/** What stands around the conversation: the drawer of the phone's width, notices, the colour scheme, copy buttons. */

import { copyFrom, hook, setText } from "../dom.js";

const THEME_KEY = "chatapp.theme";
const THEMES = ["auto", "light", "dark"];

/** On a phone the list of conversations is a drawer over the page. */
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

/** A refusal that belongs to no answer. */
export class NoticeView {
  /** @param {import("../store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.node = hook(document, "notice");
  }

  start() {
    hook(this.node, "notice-close").addEventListener("click", () => this.store.dispatch({ type: "notice-dismissed" }));
    this.store.addEventListener("change", () => this.#show());
  }

  #show() {
    const { notice } = this.store.state;
    this.node.hidden = !notice;
    setText(hook(this.node, "notice-text"), notice?.text ?? "");
    setText(hook(this.node, "notice-trace"), notice?.traceId ? `Trace ${notice.traceId}` : "");
  }
}

/** Dark, light, or as the system has it. The script theme.js applies what is remembered before the first paint. */
export class ThemeView {
  start() {
    const button = hook(document, "theme-button");
    button.addEventListener("click", () => {
      const next = THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length];
      localStorage.setItem(THEME_KEY, next);
      document.documentElement.dataset.theme = next;
      showTheme(button);
    });
    showTheme(button);
  }
}

/** One listener for the Copy button of every code block, however it came into the page. */
export function startCopyButtons() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy-code]") : null;
    const code = button?.closest("figure")?.querySelector("code");
    if (button instanceof HTMLElement && code) copyFrom(button, code.textContent ?? "");
  });
}

function currentTheme() {
  return document.documentElement.dataset.theme ?? "auto";
}

/** @param {HTMLElement} button */
function showTheme(button) {
  const theme = currentTheme();
  button.setAttribute("aria-label", `Colour scheme: ${theme}. Change it.`);
  setText(hook(button, "theme-label"), theme[0].toUpperCase() + theme.slice(1));
}
