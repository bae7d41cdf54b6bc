// @ts-check
/**
 * The questions that were asked while the server could not be reached. This browser remembers them:
 * they are sent later, also after a reload, and by whichever tab comes first. The server knows each
 * by its key, so that none is answered twice.
 */

import { currentReader, recall, remember } from "../dom/storage.js";
import { at } from "./address.js";

/**
 * @typedef {object} Unsent
 * @property {string} key
 * @property {any} fields     as they are sent
 * @property {string} prompt  as it was written
 * @property {import("../state/types.js").Attached[]} files
 * @property {string} place   the chat that it was asked in: "" is our own page, else an element
 * @property {string} [tab]   the name of the tab that it was asked in
 */

/** For each reader and server, as an origin may have several below its paths. */
const storageKey = () => `unsent${at("")}${currentReader()}`;

/** Those of this page, by the same: a browser may forbid to remember. @type {Map<string, Map<string, Unsent>>} */
const ofPage = new Map();

/**
 * What a chat is to send, in the order in which it was asked: an element what was asked in it, our
 * own page also what was asked in elements that nobody may open again.
 * @param {string} place
 */
export function unsent(place) {
  return all().filter((each) => place === "" || each.place === place);
}

/** @param {Unsent} question */
export function keep(question) {
  ofPage.set(storageKey(), own().set(question.key, question));
  remember(storageKey(), all());
}

/** @param {string} key @returns {Unsent|undefined} the question, if it was kept */
export function forget(key) {
  const found = all().find((each) => each.key === key);
  if (!found) return undefined;
  own().delete(key);
  const others = remembered().filter((each) => each.key !== key);
  remember(storageKey(), others.length ? others : null);
  return found;
}

/** @param {string} key */
export function isKept(key) {
  return all().some((each) => each.key === key);
}

/** @returns {Unsent[]} */
function all() {
  return [...new Map([...remembered().map((each) => /** @type {const} */ ([each.key, each])), ...own()]).values()];
}

/** The present reader's: the page around an element may let another sign in, and stay. */
function own() {
  return ofPage.get(storageKey()) ?? /** @type {Map<string, Unsent>} */ (new Map());
}

/** Also one that was kept before questions had a place. @returns {Unsent[]} */
function remembered() {
  const kept = recall(storageKey()) ?? [];
  return kept.map((/** @type {any} */ each) => ({ prompt: each.fields.prompt ?? "", files: [], place: "", ...each }));
}
