// @ts-check
/** ‹ 2/3 › under a message: which of its versions is shown, and the way to the others. */

import { hook, setText } from "../dom/hooks.js";
import { t } from "../language.js";

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */

/** @param {HTMLElement} node  of the message, or the part of it below the text @param {ShownMessage} message */
export function showVersions(node, { versions }) {
  const { index, count, ids } = versions ?? { index: 1, count: 1, ids: [] };
  const box = hook(node, "versions");
  box.hidden = count < 2;
  setText(hook(box, "version"), `${index}/${count}`);
  box.setAttribute("aria-label", t("Version {n} of {count}", { n: index, count }));
  point(hook(box, "previous-version"), ids[index - 2]);
  point(hook(box, "next-version"), ids[index]);
}

/** @param {HTMLElement} button @param {string|undefined} id  of the version it leads to */
function point(button, id) {
  button.dataset.to = id ?? "";
  button.toggleAttribute("disabled", !id);
}

/**
 * Serves the buttons of all messages below `thread`. The message that had the focus is gone then;
 * the one in its place takes it.
 * @param {HTMLElement} thread
 * @param {EventTarget|null} target
 * @param {(id: string) => Promise<void>} choose
 */
export async function onVersion(thread, target, choose) {
  const button = target instanceof Element ? target.closest("[data-to]") : null;
  if (!(button instanceof HTMLElement) || !button.dataset.to) return;
  const name = "nextVersion" in button.dataset ? "next" : "previous";
  await choose(button.dataset.to);
  const shown = thread.querySelector(`[data-message="${CSS.escape(button.dataset.to)}"], [data-root="${CSS.escape(button.dataset.to)}"]`);
  const buttons = shown?.querySelectorAll(`[data-${name}-version]:enabled, [data-to]:enabled`) ?? [];
  /** @type {HTMLElement|undefined} */ ([...buttons].find((each) => each.matches(`[data-${name}-version]`)) ?? buttons[0])?.focus();
}
