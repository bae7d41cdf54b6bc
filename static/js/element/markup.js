// @ts-check
/**
 * The markup of one chat: the server's own page, of which an element takes the chat and leaves the
 * rest.
 */

import { language, t } from "../language.js";
import { identified } from "../server/access.js";
import { at } from "../server/address.js";

/** The server's page for this conversation; null if it cannot be had. @param {string|null} conversation */
export function pageFor(conversation) {
  return fetched(at(`/embed?${new URLSearchParams({ language, ...(conversation && { conversation }) })}`));
}

/**
 * As a document that the browser has parsed: its scripts do not run, and no text becomes markup in
 * this page, which a host's Trusted Types would forbid.
 * @param {string} url
 * @returns {Promise<Document|null>}
 */
function fetched(url) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    const { headers, credentials } = identified({ headers: { Accept: "text/html" } });
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.withCredentials = credentials === "include";
    request.onload = () => resolve(request.responseXML);
    request.onerror = () => resolve(null);
    request.send();
  });
}

/**
 * The chat of the page, without what stands beside it and without examples, as a region of the page
 * around it.
 * @param {Document} page
 * @param {string} label
 */
export function chatOf(page, label) {
  for (const node of page.querySelectorAll("[data-example]")) node.closest("ul, li")?.remove();
  for (const [level, node] of [...page.querySelectorAll("[data-title], .welcome h2")].entries()) {
    node.setAttribute("role", "heading");
    node.setAttribute("aria-level", String(level + 2));
  }
  for (const script of page.querySelectorAll("script")) script.replaceWith(told(script)); // Trusted Types take any for a program
  const nodes = [...page.body.children].filter((node) => !node.matches(".skip, [data-drawer], [data-scrim]"));
  const welcome = page.querySelector(".welcome h2");
  if (welcome && label) welcome.textContent = label;
  return nodes.map((node) => document.importNode(node.matches("main") ? region(node, label) : node, true));
}

/** A page has one `<main>`, and it is not ours. @param {Element} main @param {string} label */
function region(main, label) {
  const made = main.ownerDocument.createElement("section");
  for (const { name, value } of main.attributes) made.setAttribute(name, value);
  made.setAttribute("aria-label", label || t("Chat"));
  made.append(...main.childNodes);
  return made;
}

/** What a script element only holds. @param {Element} script */
function told(script) {
  const made = script.ownerDocument.createElement("div");
  for (const { name, value } of script.attributes) if (name.startsWith("data-")) made.setAttribute(name, value);
  made.hidden = true;
  made.textContent = script.textContent;
  return made;
}

/** What stands in place of the chat. @param {Document|null} page  the server's page of an error, if there is one */
export function trouble(page) {
  const node = document.createElement("p");
  node.className = "trouble";
  const said = page?.querySelector("[data-error-message]")?.textContent;
  node.textContent = page ? said ?? t("Sign in to use this chat.") : t("The server cannot be reached. Check the connection and try again.");
  return node;
}
