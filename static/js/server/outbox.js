// @ts-check
/**
 * The questions that were asked while the server could not be reached. This browser remembers them:
 * they are sent later, also after a reload, and by whichever tab comes first. The server knows each
 * by its key, so that none is answered twice.
 */

import { READER, recall, remember } from "../dom/storage.js";
import { at } from "./address.js";

/** @typedef {{key: string, fields: any}} Unsent */

/** For each reader and server, as an origin may have several below its paths. */
const KEY = `unsent${at("")}${READER}`;

/** Those of this page: a browser may forbid to remember. @type {Map<string, Unsent>} */
const own = new Map();

/** @returns {Unsent[]} in the order in which they were asked */
export function unsent() {
  return [...new Map([...remembered().map((each) => /** @type {const} */ ([each.key, each])), ...own]).values()];
}

/** @param {string} key @param {object} fields */
export function keep(key, fields) {
  own.set(key, { key, fields });
  remember(KEY, unsent());
}

/** @param {string} key @returns {any} its fields, if it was kept */
export function forget(key) {
  const found = unsent().find((each) => each.key === key);
  if (!found) return undefined;
  own.delete(key);
  const others = remembered().filter((each) => each.key !== key);
  remember(KEY, others.length ? others : null);
  return found.fields;
}

/** @returns {Unsent[]} */
function remembered() {
  return recall(KEY) ?? [];
}
