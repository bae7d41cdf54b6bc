// @ts-check
/**
 * The pictures and other files of an answer, and the list of its sources. The text refers to the
 * list by numbers: those that the model wrote, such as "[1]", become links, and where it wrote none
 * one is put behind the words that a source supports.
 */

import { setText } from "../dom/hooks.js";
import { t } from "../language.js";
import { IS_FOREIGN, MOUNT, resolved } from "../server/address.js";

/** @typedef {import("../state/types.js").AnswerSource} AnswerSource */
/** @typedef {import("../state/types.js").AnswerFile} AnswerFile */

/** The types that the server lets a browser show. */
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];
/**
 * The address of a message's file, or of one that was just uploaded, below the server's own. A
 * provider may give any other, and none of ours is fetched.
 */
const OWN_FILE = /^\/(api\/v1|shared\/[\w-]+)(\/messages\/[\w-]+)?\/files\/[\w-]+$/;
/** Of one source, and of one quotation: what a reader looks at to know the place. */
const QUOTES = 5;
const QUOTE_CHARS = 300;
const NUMBER = /\[(\d{1,3})\]/g;

/**
 * Each source once, however often it is cited: its place in this list is its number.
 * @param {AnswerSource[]} sources
 * @returns {AnswerSource[]}
 */
export function numbered(sources) {
  const seen = new Map();
  for (const source of sources) {
    if (!seen.has(key(source))) seen.set(key(source), source);
  }
  return [...seen.values()];
}

/** @param {AnswerSource} source */
function key({ url, title, quote }) {
  return url || title || quote;
}

/**
 * The text with "[n]" behind the words that source n supports, unless the text has such numbers, or
 * links to its sources, by itself.
 * @param {string} content
 * @param {AnswerSource[]} sources
 */
export function withNumbers(content, sources) {
  const list = numbered(sources);
  const placed = sources.filter(({ end }) => end !== undefined && end > 0);
  const says = [...content.matchAll(NUMBER)].some(([, n]) => Number(n) >= 1 && Number(n) <= list.length);
  if (!placed.length || says || placed.some(({ url }) => url && content.includes(url))) return content;
  const characters = [...content]; // the server counts characters, not halves of them
  /** @type {Map<number, Set<number>>} */
  const marks = new Map();
  for (const source of placed) {
    const end = Math.min(/** @type {number} */ (source.end), characters.length);
    const number = 1 + list.findIndex((each) => each.url === source.url && (source.url || each.title === source.title));
    if (number > 0) marks.set(end, (marks.get(end) ?? new Set()).add(number));
  }
  const at = (/** @type {number} */ end) => [...(marks.get(end) ?? [])].sort((a, b) => a - b).map((n) => ` [${n}]`);
  return characters.map((character, index) => character + at(index + 1).join("")).join("");
}

/**
 * Makes links of the numbers in a text that is drawn and whole.
 * @param {Element} node
 * @param {AnswerSource[]} sources
 */
export function linkNumbers(node, sources) {
  const list = numbered(sources);
  if (!list.length) return;
  const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  /** @type {Text[]} */
  const found = [];
  while (texts.nextNode()) found.push(/** @type {Text} */ (texts.currentNode));
  for (const text of found) {
    if (!text.parentElement?.closest("a, code, pre, .math")) linkIn(text, list);
  }
}

/** @param {Text} text @param {AnswerSource[]} list */
function linkIn(text, list) {
  const matches = [...text.data.matchAll(NUMBER)].filter(([, n]) => isWeb(list[Number(n) - 1]?.url));
  if (!matches.length) return;
  const parts = document.createDocumentFragment();
  let from = 0;
  for (const match of matches) {
    parts.append(text.data.slice(from, match.index), linkTo(list[Number(match[1]) - 1], match[0]));
    from = match.index + match[0].length;
  }
  parts.append(text.data.slice(from));
  text.replaceWith(parts);
}

/**
 * @param {HTMLElement} list  an empty `<ol>`
 * @param {AnswerSource[]} sources
 */
export function showSources(list, sources) {
  const quotes = quotesOf(sources);
  const items = numbered(sources).map((source) => {
    const item = document.createElement("li");
    const name = source.title || source.url || source.quote;
    item.append(isWeb(source.url) ? linkTo(source, name) : name);
    if (isWeb(source.url)) item.append(" ", small(new URL(source.url).host));
    item.append(...(quotes.get(key(source)) ?? []).filter((quote) => quote !== name).map(quoted));
    return item;
  });
  list.hidden = items.length === 0;
  list.replaceChildren(...items);
}

/**
 * What the answer cites of each source, by its key, each text once.
 * @param {AnswerSource[]} sources
 */
function quotesOf(sources) {
  const cited = Map.groupBy(sources.filter(({ quote }) => quote), key);
  return new Map([...cited].map(([of, same]) => [of, [...new Set(same.map(({ quote }) => quote))].slice(0, QUOTES)]));
}

/** @param {string} text */
function quoted(text) {
  const node = document.createElement("q");
  const characters = [...text]; // a cut in the middle of one would leave half of it
  setText(node, characters.length > QUOTE_CHARS ? `${characters.slice(0, QUOTE_CHARS).join("")}…` : text);
  return node;
}

/**
 * @param {HTMLElement} box
 * @param {AnswerFile[]} files
 */
export function showFiles(box, files) {
  box.hidden = files.length === 0;
  files.slice(box.children.length).forEach((file) => box.append(drawn(file)));
  while (box.children.length > files.length) box.lastElementChild?.remove();
}

/** @param {AnswerFile} file */
function drawn({ id, media_type, name, url = "", error }) {
  const label = name || id;
  if (error) return note(t("{name}: {words}", { name: label, words: t(error) })); // some are in the catalogue
  const isOurs = url.startsWith(MOUNT) && OWN_FILE.test(url.slice(MOUNT.length));
  if (!isOurs && !isWeb(url)) return note(label);
  const address = isOurs ? resolved(url) : url;
  const link = linkTo({ url: address }, label);
  if (isOurs && !IS_FOREIGN && PICTURES.includes(media_type)) {
    const picture = Object.assign(document.createElement("img"), { src: address, alt: label, loading: "lazy" });
    link.replaceChildren(picture);
  }
  return link;
}

/** @param {string} text */
function note(text) {
  const node = document.createElement("p");
  setText(node, text);
  return node;
}

/** @param {string} text */
function small(text) {
  const node = document.createElement("small");
  setText(node, text);
  return node;
}

/** @param {{url: string, title?: string}} source @param {string} text */
function linkTo({ url, title = "" }, text) {
  const link = document.createElement("a");
  Object.assign(link, { href: url, title, target: "_blank", rel: "noopener noreferrer nofollow" });
  setText(link, text);
  return link;
}

/** @param {string|undefined} url */
function isWeb(url) {
  return /^https?:\/\//i.test(url ?? "") && URL.canParse(url ?? "");
}
