// @ts-check
/** What is written and not yet sent, for each conversation; this browser remembers it. */

import { currentReader, recall, remember } from "../dom/storage.js";
import { at } from "../server/address.js";

/** The new chat, of each reader and server: an origin may have several below its paths. */
const newChat = () => `${at("")}${currentReader()}`;
/** A longer draft would fill what a browser lets a page remember. */
const LONGEST_DRAFT = 200_000;

/** @param {string|null} conversation  null is the new chat @returns {string} */
export function draftOf(conversation) {
  return recall(`draft.${conversation ?? newChat()}`) ?? "";
}

/** @param {string|null} conversation @param {string} text  "" forgets it */
export function keepDraft(conversation, text) {
  remember(`draft.${conversation ?? newChat()}`, text && text.length <= LONGEST_DRAFT ? text : null);
}

/** The files of a draft that are uploaded. @param {string|null} conversation @returns {import("../state/types.js").Attached[]} */
export function filesOf(conversation) {
  return recall(`files.${conversation ?? newChat()}`) ?? [];
}

/** @param {string|null} conversation @param {import("../state/types.js").Attached[]} files */
export function keepFiles(conversation, files) {
  const whole = files.filter(({ id }) => id);
  remember(`files.${conversation ?? newChat()}`, whole.length ? whole : null);
}
