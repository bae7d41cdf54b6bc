// @ts-check
/**
 * The definitions of a growing text, `[name]: address`: which of them are new or have changed, and
 * which names a block may mention. Pure.
 */

/** @typedef {import("./blocks.js").Links} Links */

/** Words in brackets, which may be a name. */
const IN_BRACKETS = /\[((?:\\[\s\S]|[^[\]\\]){1,999})\]/g;

/** @param {Links} before @param {Links} links @returns {string[]} */
export function changedNames(before, links) {
  return Object.keys({ ...before, ...links }).filter((name) => !isSame(before[name], links[name]));
}

/** In marked's spelling. @param {string} raw  a block's markdown */
export function namesIn(raw) {
  const text = raw.replace(/\n[ \t>]*/g, " "); // a name may go on in the next line, also of a quote
  return new Set([...text.matchAll(IN_BRACKETS)].map(([, name]) => spelled(name)));
}

/** @param {Links[string]|undefined} one @param {Links[string]|undefined} other */
function isSame(one, other) {
  return one?.href === other?.href && one?.title === other?.title;
}

/** @param {string} name */
function spelled(name) {
  return name.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase().toLowerCase();
}
