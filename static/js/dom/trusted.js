// @ts-check
/**
 * Trusted Types: with them a browser takes markup and a script's address from these policies alone
 * (the Content-Security-Policy names them). DOMPurify has one of its own, `dompurify`.
 */

/** @type {any} */
let policy;

/** The address of a worker of ours. @param {string} url @returns {string} */
export function trustedUrl(url) {
  policy ??= /** @type {any} */ (globalThis).trustedTypes?.createPolicy("chatapp", { createScriptURL: ourOwn });
  return policy ? policy.createScriptURL(url) : url;
}

/** @param {string} url */
function ourOwn(url) {
  if (new URL(url).origin === new URL(import.meta.url).origin) return url;
  throw new TypeError(`no script is loaded from ${url}: it is not of this site`);
}
