// @ts-check
/** Copying, and the buttons that do it. */

import { t } from "../language.js";

const COPIED_FOR_MS = 1600;

/** Serves the Copy button of every code block below the listener's node. @param {Event} event */
export function copyCode({ target }) {
  const button = target instanceof Element ? target.closest("[data-copy-code]") : null;
  const code = button?.closest("figure")?.querySelector("code");
  if (button instanceof HTMLElement && code) copyFrom(button, code.textContent ?? "");
}

/**
 * Copies, and shows on the button for a moment that it did.
 * @param {HTMLElement} button
 * @param {string} text
 */
export async function copyFrom(button, text) {
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent ?? "";
  if (button.dataset.copied !== undefined) return;
  await copyText(text);
  button.dataset.copied = "";
  label.textContent = t("Copied");
  setTimeout(() => {
    delete button.dataset.copied;
    label.textContent = before;
  }, COPIED_FOR_MS);
}

/** @param {string} text @returns {Promise<void>} */
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // plain HTTP has no clipboard object
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
