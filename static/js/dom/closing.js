// @ts-check
/** What unfolds over the page folds again by itself. */

/** @typedef {import("../views/view.js").View} View */

/**
 * It closes with Escape, which leads back to its summary, with a press beside it, and when something else gets the focus. Where the
 * focus goes to nothing, it stays: in some browsers a press on a button of its own does that.
 * @param {View} view
 * @param {HTMLDetailsElement} details
 */
export function closing(view, details) {
  view.on(document, "pointerdown", (event) => {
    if (details.open && !event.composedPath().includes(details)) details.open = false;
  });
  view.on(details, "focusout", ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !details.contains(relatedTarget)) details.open = false;
  });
  view.on(details, "keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    event.stopPropagation();
    details.open = false;
    details.querySelector("summary")?.focus();
  });
}
