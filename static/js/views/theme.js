// @ts-check
/**
 * Dark, light, or as the system has it. The script static/first-paint.js applies what is remembered
 * before the first paint.
 */

import { hook, setText } from "../dom/hooks.js";

const THEME_KEY = "chatapp.theme";
const THEMES = ["auto", "light", "dark"];

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

function currentTheme() {
  return document.documentElement.dataset.theme ?? "auto";
}

/** @param {HTMLElement} button */
function showTheme(button) {
  const theme = currentTheme();
  button.setAttribute("aria-label", `Colour scheme: ${theme}. Change it.`);
  setText(hook(button, "theme-label"), theme[0].toUpperCase() + theme.slice(1));
}
