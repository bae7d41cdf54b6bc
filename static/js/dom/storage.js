// @ts-check
/**
 * What this browser remembers, as JSON below "chatapp.". A browser may forbid that, or be full: the
 * page then works as if there were nothing to remember.
 */

const PREFIX = "chatapp.";

let reader = globalThis.document ? readerOf(document) : "";

/** Whose page it is, if people sign in: what one has written must not come up for the next. */
export function currentReader() {
  return reader;
}

/** Whom the server has made this page for. @param {Document} page */
export function readerOf(page) {
  return page.querySelector("[data-reader]")?.getAttribute("data-reader") ?? "";
}

/** The page of another application does not say: its chat learns it from the server. @param {string} name */
export function readAs(name) {
  reader = name;
}

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

/** A name of this tab, which it keeps over reloads. */
export function tabName() {
  const made = Math.random().toString(36).slice(2);
  try {
    const name = sessionStorage.getItem(`${PREFIX}tab`) ?? made;
    sessionStorage.setItem(`${PREFIX}tab`, name);
    return name;
  } catch {
    return made; // forbidden or full: what it asked is still sent after a reload, and not shown
  }
}
