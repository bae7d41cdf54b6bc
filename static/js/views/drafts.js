// @ts-check
/** What is written and not yet sent, for each conversation; this browser remembers it. */

import { recall, remember } from "../dom/storage.js";

/** A longer draft would fill what a browser lets a page remember. */
const LONGEST_DRAFT = 200_000;

/** @param {string|null} conversation  null is the new chat @returns {string} */
export function draftOf(conversation) {
  return recall(`draft.${conversation ?? ""}`) ?? "";
}

/** @param {string|null} conversation @param {string} text  "" forgets it */
export function keepDraft(conversation, text) {
  remember(`draft.${conversation ?? ""}`, text && text.length <= LONGEST_DRAFT ? text : null);
}
