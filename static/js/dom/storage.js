// @ts-check
/**
 * What this browser remembers, as JSON below "chatapp.". A browser may forbid that, or be full: the
 * page then works as if there were nothing to remember.
 */

const PREFIX = "chatapp.";

/** Whose page it is, where people sign in: what one has written must not come up for the next. */
export const READER = globalThis.document?.querySelector("[data-signed-in]")?.textContent ?? "";

/** @param {string} key @returns {any} null if nothing is remembered */
export function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
  } catch {
    return null; // forbidden, or written by somebody else
  }
}

/** @param {string} key @param {unknown} value  null forgets */
export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // forbidden or full: the choice holds until the page is left
  }
}
