// @ts-check
/**
 * The page's language: its texts, plurals and numbers. The English texts are the keys; those of
 * other languages come from translations/, as a module that the server makes.
 */

/** Those with a folder in translations/, by their tags: the server fills them in. @type {string[]} */
const TRANSLATED = [];

const wanted = globalThis.document?.documentElement.lang ?? "";

/** The language's tag, also for `Intl`. */
export const language = TRANSLATED.find((tag) => nameOf(tag) === nameOf(wanted)) ?? "en";

/** @typedef {{texts: Record<string, string|string[]>, failures: Record<string, string>, plural: (n: number) => number}} Words */

/** @type {Words} */
const ENGLISH = { texts: {}, failures: {}, plural: (n) => Number(n !== 1) };
/** @type {Words} */
const { texts, failures, plural } = language === "en" ? ENGLISH : (await import(`./words/${language}.js`)).default;

/**
 * A text in the page's language. Its `{name}` stands for a value.
 * @param {string} text
 * @param {Record<string, string|number>} [values]
 */
export function t(text, values) {
  return filled(String(texts[text] ?? text), values);
}

/**
 * A text that counts; `{count}` stands for the number.
 * @param {string} one
 * @param {string} many
 * @param {number} count
 * @param {Record<string, string|number>} [values]
 */
export function tn(one, many, count, values) {
  const forms = texts[one] ?? [one, many];
  return filled(forms[plural(count)], { count: number(count), ...values });
}

/** What went wrong, for a reader. @param {{code: string, message: string}} failure */
export function sentenceOf({ code, message }) {
  return failures[code] ?? message;
}

/** What the server says of it in English, in more detail; "" if the sentence is that. @param {{code: string, message: string}} failure */
export function detailOf({ code, message }) {
  return failures[code] ? message : "";
}

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function number(value, options) {
  return value.toLocaleString(language, options);
}

/** @param {string} text @param {Record<string, string|number>} [values] */
function filled(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** @param {string} tag */
function nameOf(tag) {
  return tag.split("-")[0].toLowerCase();
}
