// @ts-check
/**
 * The only way for markup into the page: DOMPurify, with a list of allowed tags and attributes. The
 * list holds nothing that acts, loads or styles.
 */

import DOMPurify from "../../vendor/dompurify/purify.es.mjs";

// Where the page around forbids its policy, DOMPurify gives nothing back: better the text as it came.
if (!DOMPurify.sanitize("<p>")) throw new TypeError("no markup may be made here: see trusted-types in the policy");

const PROSE = {
  ALLOWED_TAGS: [
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code",
    "table", "thead", "tbody", "tr", "th", "td", "a", "img", "b", "strong", "i", "em", "del", "s", "u", "ins",
    "mark", "small", "sub", "sup", "kbd",
  ],
  ALLOWED_ATTR: ["href", "src", "alt", "title", "start", "align", "data-language", "data-open", "data-raw", "data-math", "data-tex", "data-task",
    "data-footnote", "data-mention"],
  ALLOWED_URI_REGEXP: /^(?:(?:https?|mailto):|[^a-z]|[a-z+.-]+(?:[^a-z+.:-]|$))/i,
};

/**
 * @param {string} html
 * @param {object} [rules]  DOMPurify's options, in place of those for prose
 * @returns {DocumentFragment}
 */
export function sanitized(html, rules = PROSE) {
  const fixed = { ...rules, ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true };
  return DOMPurify.sanitize(html, fixed);
}
