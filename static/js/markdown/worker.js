// @ts-check
/** Asks a worker for the colours of long code, so that the page goes on meanwhile. */

import { trustedUrl } from "../dom/trusted.js";
import { IS_FOREIGN } from "../server/address.js";

/** @type {Worker|null} */
let worker = null;
/** @type {Map<number, (markup: string|null) => void>} */
const waiting = new Map();
let asked = 0;

/**
 * highlight.js's markup; null if it does not know the language, or no worker can be had.
 * @param {string} text
 * @param {string} language
 * @returns {Promise<string|null>}
 */
export function colouredElsewhere(text, language) {
  if (IS_FOREIGN) return Promise.resolve(null); // a page starts workers of its own origin alone
  return new Promise((resolve) => {
    asked += 1;
    waiting.set(asked, resolve);
    worker ??= started();
    if (worker) worker.postMessage({ id: asked, text, language });
    else answer(asked, null);
  });
}

/** None where the page around has a policy that names none of ours: the code stays as it is. */
function started() {
  const address = trustedUrl(new URL("../workers/highlight.js", import.meta.url).href);
  const made = address && new Worker(address, { type: "module" });
  if (!made) return null;
  made.addEventListener("message", ({ data: { id, markup } }) => answer(id, markup));
  made.addEventListener("error", () => {
    for (const id of [...waiting.keys()]) answer(id, null); // it could not be loaded: the code stays as it is
    worker = null;
  });
  return made;
}

/** @param {number} id @param {string|null} markup */
function answer(id, markup) {
  waiting.get(id)?.(markup);
  waiting.delete(id);
}
