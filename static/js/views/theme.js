// @ts-check
/**
 * The button for the colour scheme: dark, light, or the system's. The scheme is the whole page's.
 * The script static/first-paint.js applies the remembered one before the first paint.
 */

import { hook, setText } from "../dom/hooks.js";
import { remember } from "../dom/storage.js";
import { t } from "../language.js";
import { View } from "./view.js";

const THEME_KEY = "theme";
/** @type {Record<string, string>} */
const NAMES = { auto: t("Auto"), light: t("Light"), dark: t("Dark") };
const THEMES = Object.keys(NAMES);

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
    this.button.setAttribute("aria-label", t("Colour scheme: {name}. Change it.", { name: NAMES[theme] }));
    setText(hook(this.button, "theme-label"), NAMES[theme]);
  }
}

function currentTheme() {
  return document.documentElement.dataset.theme ?? "auto";
}
