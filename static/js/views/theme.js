// @ts-check
/**
 * The button for the colour scheme: dark, light, or the system's. The scheme is the whole page's.
 * The script static/first-paint.js applies the remembered one before the first paint.
 */

import { hook, setText } from "../dom/hooks.js";
import { remember } from "../dom/storage.js";
import { View } from "./view.js";

const THEME_KEY = "theme";
const THEMES = ["auto", "light", "dark"];

export class ThemeView extends View {
  /** @param {HTMLElement} root */
  constructor(root) {
    super(root);
    this.button = hook(root, "theme-button");
  }

  start() {
    this.on(this.button, "click", () => {
      const next = THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length];
      remember(THEME_KEY, next);
      document.documentElement.dataset.theme = next;
      this.#show();
    });
    this.#show();
  }

  #show() {
    const theme = currentTheme();
    this.button.setAttribute("aria-label", `Colour scheme: ${theme}. Change it.`);
    setText(hook(this.button, "theme-label"), theme[0].toUpperCase() + theme.slice(1));
  }
}

function currentTheme() {
  return document.documentElement.dataset.theme ?? "auto";
}
