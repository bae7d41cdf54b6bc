// @ts-check
/**
 * One chat in the shadow root of an element: its markup from the server, its style sheets, and a
 * `Chat` that begins as the element's attributes say. It leaves the page around it alone: it takes
 * no focus, and writes to no address bar.
 */

import { Chat } from "./chat.js";
import { hook, setText } from "./dom/hooks.js";
import { recall, remember } from "./dom/storage.js";
import { language, t } from "./language.js";
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
    root.lang = language;
    this.element = element;
    this.shadow = shadow;
  }

  async start() {
    const [page] = await Promise.all([this.#page(), this.#style()]);
    if (!this.element.isConnected) return;
    const isChat = page?.querySelector("[data-main]");
    this.root.replaceChildren(...(isChat ? imported(page, this.#attribute("label") ?? "") : [trouble(page)]));
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
    const { conversation } = JSON.parse(hook(this.root, "page-data").textContent ?? "");
    const opened = conversation ? reduce(initialState, { type: "conversation-opened", conversation }) : initialState;
    this.root.toggleAttribute("data-empty", !opened.messages.length);
    const tools = this.#attribute("tools")?.split(",").map((name) => name.trim()).filter(Boolean);
    const chat = new Chat(this.root, opened, this.#api());
    if (tools) chat.store.dispatch({ type: "tools-chosen", tools });
    this.#chat = chat;
    this.on(this.root, "click", (event) => this.#onClick(event));
    this.on(chat.store, "change", ({ detail: { state, previous } }) => {
      if (state.conversationId !== previous.conversationId) this.#tell(state);
      if (state.conversations !== previous.conversations) this.#showTitle(state);
      if (state.catalogue !== previous.catalogue && !state.choice) this.#choose(state.catalogue);
    });
    chat.start();
  }

  /** @param {import("./state/types.js").State} state */
  #showTitle({ conversations, conversationId }) {
    const open = conversations.find((each) => each.id === conversationId);
    setText(hook(this.root, "title"), open?.title ?? t("New chat"));
  }

  /** The element's model, if the server has it. @param {import("./state/types.js").Catalogue} catalogue */
  #choose({ providers }) {
    const [provider, model] = [this.#attribute("provider"), this.#attribute("model")];
    const found = providers.find(({ name, models }) => (!provider || name === provider) && (!model || models.includes(model)));
    const choice = found && { provider: found.name, model: model ?? found.models[0] };
    if (choice?.model && (provider || model)) this.#chat?.store.dispatch({ type: "model-chosen", choice });
  }

  /** A new conversation is asked with the element's instructions; they stay with it. */
  #api() {
    const instructions = this.#attribute("instructions");
    if (!instructions) return api;
    return {
      ...api,
      /** @param {any} fields @param {string} key */
      ask: (fields, key) => api.ask(fields.conversation_id || !fields.prompt ? fields : withInstructions(fields, instructions), key),
    };
  }

  /** What would lead elsewhere on our own page begins a new chat here. @param {MouseEvent} event */
  #onClick(event) {
    const link = event.target instanceof Element ? event.target.closest("a[data-route]") : null;
    if (!link) return;
    event.preventDefault();
    this.#chat?.actions.openNewChat();
  }

  /** @param {import("./state/types.js").State} state */
  #tell(state) {
    const id = state.conversationId;
    this.#showTitle(state);
    const name = this.#attribute("remember");
    if (name) remember(`element.${name}`, id);
    this.element.dispatchEvent(new CustomEvent("chatapp-conversation", { bubbles: true, detail: { id } }));
  }

  /** The server's page for this chat; null if the server cannot be reached. */
  async #page() {
    const name = this.#attribute("remember");
    const remembered = name ? recall(`element.${name}`) : null;
    const conversation = this.#attribute("conversation") ?? remembered;
    const page = await fetched(addressOf(conversation));
    const isGone = remembered !== null && conversation === remembered && page?.querySelector("[data-main]") === null;
    return isGone ? fetched(addressOf(null)) : page;
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

/** @param {{prompt: string}} fields @param {string} instructions */
function withInstructions({ prompt, ...fields }, instructions) {
  return { ...fields, messages: [{ role: "system", content: instructions }, { role: "user", content: prompt }] };
}

/** @param {string|null} conversation */
function addressOf(conversation) {
  return at(`/embed?${new URLSearchParams({ language, ...(conversation && { conversation }) })}`);
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

/**
 * The chat of the page, without what stands beside it and without examples, as a region of the page
 * around it.
 * @param {Document} page
 * @param {string} label
 */
function imported(page, label) {
  const nodes = [...page.body.children].filter((node) => !node.matches(".skip, [data-drawer], [data-scrim]"));
  for (const node of page.querySelectorAll("[data-example]")) node.closest("ul, li")?.remove();
  for (const [level, node] of [...page.querySelectorAll("[data-title], .welcome h2")].entries()) {
    node.setAttribute("role", "heading");
    node.setAttribute("aria-level", String(level + 2));
  }
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

/** What stands in place of the chat. @param {Document|null} page  the server's page of an error, if there is one */
function trouble(page) {
  const node = document.createElement("p");
  node.className = "trouble";
  const said = page?.querySelector("[data-error-message]")?.textContent;
  node.textContent = page ? said ?? t("Sign in to use this chat.") : t("The server cannot be reached. Check the connection and try again.");
  return node;
}

/** @param {string} path  from this module */
function linkTo(path) {
  return Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(path, import.meta.url).href });
}
