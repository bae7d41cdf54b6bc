// @ts-check
/**
 * One chat in the shadow root of an element: its markup from the server, its style sheets, and a
 * `Chat` that begins as the element's attributes say. It leaves the page around it alone: it takes
 * no focus, and writes to no address bar.
 */

import { Chat } from "./chat.js";
import { hook } from "./dom/hooks.js";
import { recall, remember } from "./dom/storage.js";
import { at } from "./server/address.js";
import { api } from "./server/api.js";
import { initialState, reduce } from "./state/store.js";
import { View } from "./views/view.js";

/** The chat's own sheet has to be there before it is shown; mathematics can come later. */
const SHEET = "../css/embedded.css";
const LATER = "../vendor/temml/Temml-Local.css";

export class EmbeddedChat extends View {
  /** @type {Chat|null} */ #chat = null;

  /** @param {HTMLElement} element @param {ShadowRoot} shadow */
  constructor(element, shadow) {
    const root = document.createElement("div");
    super(root);
    root.className = "page embedded";
    this.element = element;
    this.shadow = shadow;
  }

  async start() {
    const [page] = await Promise.all([this.#page(), this.#style()]);
    if (!this.element.isConnected) return;
    const isChat = page?.querySelector("[data-main]");
    this.root.replaceChildren(...(isChat ? imported(page) : [trouble(page)]));
    this.shadow.append(this.root);
    if (isChat) this.#begin();
    this.element.dispatchEvent(new CustomEvent(isChat ? "chatapp-ready" : "chatapp-refused", { bubbles: true }));
  }

  stop() {
    super.stop();
    this.#chat?.stop();
    this.#chat = null;
    this.shadow.replaceChildren();
  }

  /** @param {string} prompt @returns {Promise<boolean>} */
  async ask(prompt) {
    return this.#chat ? this.#chat.actions.send(prompt) : false;
  }

  #begin() {
    const { conversation, choice } = JSON.parse(hook(this.root, "page-data").textContent ?? "");
    const opened = conversation ? reduce(initialState, { type: "conversation-opened", conversation }) : initialState;
    this.root.toggleAttribute("data-empty", !opened.messages.length);
    const tools = this.#attribute("tools")?.split(",").map((name) => name.trim()).filter(Boolean);
    const chat = new Chat(this.root, opened, { ...(choice && { choice }), ...(tools && { tools }) }, this.#api());
    this.#chat = chat;
    this.on(this.root, "click", (event) => this.#onClick(event));
    this.on(chat.store, "change", ({ detail: { state, previous } }) => {
      if (state.conversationId !== previous.conversationId) this.#tell(state.conversationId);
    });
    chat.start();
  }

  /** A new conversation is asked with the element's instructions; they stay with it. */
  #api() {
    const instructions = this.#attribute("instructions");
    if (!instructions) return api;
    return {
      ...api,
      /** @param {any} fields @param {string} key */
      ask: (fields, key) => api.ask(fields.conversation_id ? fields : { instructions, ...fields }, key),
    };
  }

  /** What would lead elsewhere on our own page begins a new chat here. @param {MouseEvent} event */
  #onClick(event) {
    const link = event.target instanceof Element ? event.target.closest("a[data-route]") : null;
    if (!link) return;
    event.preventDefault();
    this.#chat?.actions.openNewChat();
  }

  /** @param {string|null} id */
  #tell(id) {
    const name = this.#attribute("remember");
    if (name) remember(`element.${name}`, id);
    this.element.dispatchEvent(new CustomEvent("chatapp-conversation", { bubbles: true, detail: { id } }));
  }

  /** The server's page for this chat; null if the server cannot be reached. */
  async #page() {
    const name = this.#attribute("remember");
    const remembered = name ? recall(`element.${name}`) : null;
    const conversation = this.#attribute("conversation") ?? remembered;
    const fields = { provider: this.#attribute("provider"), model: this.#attribute("model") };
    const page = await fetched(addressOf({ ...fields, conversation }));
    const isGone = remembered !== null && conversation === remembered && page?.querySelector("[data-main]") === null;
    return isGone ? fetched(addressOf(fields)) : page;
  }

  /** @param {string} name */
  #attribute(name) {
    return this.element.getAttribute(name);
  }

  #style() {
    const [sheet, later] = [SHEET, LATER].map(linkTo);
    const loaded = new Promise((resolve) => ["load", "error"].forEach((type) => sheet.addEventListener(type, resolve)));
    this.shadow.replaceChildren(sheet, later);
    return loaded;
  }
}

/** @param {Record<string, string|null>} fields */
function addressOf(fields) {
  const given = Object.entries(fields).filter(([, value]) => value);
  return `${at("/embed")}?${new URLSearchParams(/** @type {[string, string][]} */ (given))}`;
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
    request.setRequestHeader("Accept", "text/html");
    request.onload = () => resolve(request.responseXML);
    request.onerror = () => resolve(null);
    request.send();
  });
}

/** @param {Document} page */
function imported(page) {
  return [...page.body.children].map((node) => document.importNode(node, true));
}

/** What stands in place of the chat. @param {Document|null} page  the server's page of an error, if there is one */
function trouble(page) {
  const node = document.createElement("p");
  node.className = "trouble";
  const said = page?.querySelector("[data-error-message]")?.textContent;
  node.textContent = page ? said ?? "Sign in to use this chat." : "The chat cannot be reached. Check the connection and load the page again.";
  return node;
}

/** @param {string} path  from this module */
function linkTo(path) {
  return Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(path, import.meta.url).href });
}
