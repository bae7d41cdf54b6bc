// @ts-check
/** The plan of an agent, with the step that it works on. */

import { setText } from "../dom/hooks.js";

/** @param {HTMLElement} list @param {import("../state/types.js").ShownMessage} answer */
export function showPlan(list, { steps, step, status }) {
  while (list.children.length > steps.length) list.lastElementChild?.remove();
  steps.forEach(({ index, text }, at) => {
    const item = list.children[at] ?? list.appendChild(document.createElement("li"));
    setText(item, text);
    const current = status === "running" && index === step;
    if (current !== item.hasAttribute("aria-current")) item.toggleAttribute("aria-current", current);
    if (current) item.setAttribute("aria-current", "step");
  });
}
