// @ts-check
/** Colours code in a worker: gets `{id, text, language}`, answers `{id, markup}`. */

import hljs from "../../vendor/highlight/highlight.min.js";

self.addEventListener("message", ({ data: { id, text, language } }) => {
  const known = hljs.getLanguage(language);
  self.postMessage({ id, markup: known ? hljs.highlight(text, { language, ignoreIllegals: true }).value : null });
});
