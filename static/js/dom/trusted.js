// @ts-check
/**
 * Trusted Types: with them a browser takes markup and a script's address from these policies alone
 * (the Content-Security-Policy names them). DOMPurify has one of its own, `dompurify`.
 */

/** @type {any} */
let policy;

/** The address of a worker of ours; null if the page around allows us no policy. @param {string} url @returns {string|null} */
export function trustedUrl(url) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  if (!types) return url;
  try {
    policy ??= types.createPolicy("chatapp", { createScriptURL: ourOwn });
  } catch {
    return null; // the browser's console says why
  }
  return policy.createScriptURL(url);
}

/** @param {string} url */
function ourOwn(url) {
  if (new URL(url).origin === new URL(import.meta.url).origin) return url;
  throw new TypeError(`no script is loaded from ${url}: it is not of this site`);
}
