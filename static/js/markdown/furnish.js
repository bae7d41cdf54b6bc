// @ts-check
/**
 * Gives links, images and tables this page's shape, and each block the direction of its text. Works
 * on what the sanitizer let through.
 */

import { t } from "../language.js";

/**
 * Outermost blocks: a list looks for its direction in those items that have none of their own. The
 * style sheet lets each item and cell follow its own text.
 */
const DIRECTED = ["P", "UL", "OL", "BLOCKQUOTE", "H1", "H2", "H3", "H4", "H5", "H6"];
/** A name of a server, as people write it, in the label of a link. */
const HOST = /(?:^|[\s/@("'“‘])((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})(?=$|[\s/:?#@)"'”’,;!])/iu;

/** Characters without a look of their own; and those that turn the others around. */
const INVISIBLE = /\p{Cf}/gu;
const TURNED = /[\u202a-\u202e\u2066-\u2069]/u;

/** @param {DocumentFragment} fragment */
export function furnish(fragment) {
  fragment.querySelectorAll("img").forEach(furnishImage);
  fragment.querySelectorAll("a").forEach(furnishLink);
  fragment.querySelectorAll("table").forEach(furnishTable);
  fragment.querySelectorAll("code[data-task]").forEach(furnishTask);
  for (const node of fragment.children) if (DIRECTED.includes(node.tagName)) node.setAttribute("dir", "auto");
}

/**
 * Loading a picture would tell its server that somebody reads this, and our own server that the
 * reader wants whatever the address does: it becomes a link. The files of an answer are shown
 * elsewhere, from the list that the server gave.
 * @param {Element} image
 */
function furnishImage(image) {
  const source = image.getAttribute("src") ?? "";
  const label = image.getAttribute("alt") ?? "";
  if (!source) return image.replaceWith(label);
  if (source.startsWith("data:image/")) return;
  const link = document.createElement("a");
  link.textContent = label || source;
  if (!image.closest("a") && isWeb(source)) link.setAttribute("href", source);
  image.replaceWith(link);
}

/** The sanitizer lets a picture have addresses that no link may have. @param {string} address */
function isWeb(address) {
  return URL.canParse(address, location.href) && /^https?:$/.test(new URL(address, location.href).protocol);
}

/** @param {Element} link */
function furnishLink(link) {
  const href = link.getAttribute("href");
  if (!href) return link.replaceWith(...link.childNodes);
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer");
  const host = otherHost(link.textContent ?? "", href);
  if (host) link.after(hint(host));
}

/**
 * The host that a link leads to, if its label names another one; else "".
 * @param {string} label
 * @param {string} href
 */
function otherHost(label, href) {
  const plain = label.replace(INVISIBLE, "").replace(/[\u3002\uff0e\uff61]/g, "."); // as browsers read a name
  const named = HOST.exec(plain)?.[1].toLowerCase().replace(/^www\./, "") ?? (TURNED.test(label) ? "?" : "");
  if (!named || !isWeb(href)) return "";
  const { host, hostname } = new URL(href, location.href);
  const isNamed = hostname === named || hostname.endsWith(`.${ascii(named)}`) || hostname === ascii(named);
  return isNamed ? "" : host;
}

/** A name of a server as browsers write it. @param {string} name */
function ascii(name) {
  return URL.canParse(`https://${name}`) ? new URL(`https://${name}`).hostname : name;
}

/** @param {string} host */
function hint(host) {
  const node = document.createElement("small");
  node.className = "link-host";
  node.textContent = ` (${host})`;
  return node;
}

/** A box that shows whether a task is done; it is not for the reader to tick. @param {Element} mark */
function furnishTask(mark) {
  const isDone = mark.getAttribute("data-task") === "done";
  const box = document.createElement("input");
  box.setAttribute("type", "checkbox");
  box.setAttribute("disabled", "");
  box.setAttribute("aria-label", isDone ? t("Done") : t("Open"));
  if (isDone) box.setAttribute("checked", "");
  mark.closest("li")?.setAttribute("class", "task");
  mark.replaceWith(box);
}

/** A wide table scrolls in a box of its own, also by keyboard. @param {Element} table */
function furnishTable(table) {
  const box = document.createElement("div");
  box.className = "table-box";
  box.tabIndex = 0;
  table.setAttribute("dir", "auto");
  table.replaceWith(box);
  box.append(table);
}
