// @ts-check
/** What unfolds over the page folds again by itself. */

/** @typedef {import("../views/view.js").View} View */

/** It closes with Escape, and when something else is chosen. @param {View} view @param {HTMLDetailsElement} details */
export function closing(view, details) {
  view.on(details, "focusout", ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && details.contains(relatedTarget))) details.open = false;
  });
  view.on(details, "keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    event.stopPropagation();
    details.open = false;
  });
}
