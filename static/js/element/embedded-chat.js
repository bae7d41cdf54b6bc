// @ts-check
/**
 * One chat in the shadow root of an element: its markup from the server, its style sheets, and a
 * `Chat` that begins as the element's attributes say. It leaves the page around it alone: it takes
 * no focus, and writes to no address bar.
 */

import { Chat } from "../chat.js";
import { hook, setText } from "../dom/hooks.js";
import { readAs, readerOf, recall, remember } from "../dom/storage.js";
import { language, t } from "../language.js";
import { useKey } from "../server/access.js";
import { initialState, reduce } from "../state/store.js";
import { View } from "../views/view.js";
import { chatOf, pageFor, trouble } from "./markup.js";

/** The chat's own sheet has to be there before it is shown; mathematics can come later. */
const SHEET = "../../css/embedded.css";
const LATER = "../../vendor/temml/Temml-Local.css";

export class EmbeddedChat extends View {
  /** @type {Chat|null} */ #chat = null;
  #stopped = false;

  /** @param {HTMLElement} element @param {ShadowRoot} shadow */
  constructor(element, shadow) {
    const root = document.createElement("div");
    super(root);
    root.className = "page embedded";
    root.lang = language;
    this.element = element;
    this.shadow = shadow;
    this.sheets = [SHEET, LATER].map(linkTo);
  }

  async start() {
    const key = this.#attribute("key");
    if (key) useKey(key);
    const [page] = await Promise.all([this.#page(), this.#style()]);
    if (this.#stopped) return;
    if (page) readAs(readerOf(page));
    const isChat = page?.querySelector("[data-main]");
    this.root.replaceChildren(...(isChat ? chatOf(page, this.#attribute("label") ?? "") : [trouble(page)]));
    this.shadow.querySelector("slot")?.remove(); // what the page says until now
    this.shadow.append(this.root);
    if (isChat) await this.#begin();
    if (this.#stopped) return;
    this.element.dispatchEvent(new CustomEvent(isChat ? "chatapp-ready" : "chatapp-refused", { bubbles: true }));
  }

  stop() {
    super.stop();
    this.#chat?.stop();
    this.#chat = null;
    this.#stopped = true;
    for (const node of [this.root, ...this.sheets]) node.remove();
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
    const chat = new Chat(this.root, opened, { instructions: this.#attribute("instructions") ?? "", place: this.#place() });
    if (tools) chat.store.dispatch({ type: "tools-chosen", tools });
    this.#chat = chat;
    this.on(this.root, "click", (event) => this.#onClick(event));
    this.on(chat.store, "change", ({ detail: { state, previous } }) => {
      if (state.conversationId !== previous.conversationId) this.#tell(state);
      if (state.conversations !== previous.conversations) this.#showTitle(state);
      if (state.catalogue !== previous.catalogue && !state.choice) this.#choose(state.catalogue);
    });
    this.on(window, "pagehide", () => chat.pause());
    this.on(window, "pageshow", (event) => event.persisted && chat.resume());
    return chat.start();
  }

  /** @param {import("../state/types.js").State} state */
  #showTitle({ conversations, conversationId }) {
    const open = conversations.find((each) => each.id === conversationId);
    setText(hook(this.root, "title"), open?.title ?? t("New chat"));
  }

  /** The element's model, if the server has it. @param {import("../state/types.js").Catalogue} catalogue */
  #choose({ providers }) {
    const [provider, model] = [this.#attribute("provider"), this.#attribute("model")];
    const found = providers.find(({ name, models }) => (!provider || name === provider) && (!model || models.includes(model)));
    const choice = found && { provider: found.name, model: model ?? found.models[0] };
    if (choice?.model && (provider || model)) this.#chat?.store.dispatch({ type: "model-chosen", choice });
  }

  /** Its name among the chats of this browser: by its own, or by where it stands. */
  #place() {
    const elements = [...document.querySelectorAll(this.element.localName)];
    return this.#attribute("remember") || `${location.pathname}#${elements.indexOf(this.element)}`;
  }

  /** What would lead elsewhere on our own page begins a new chat here. @param {MouseEvent} event */
  #onClick(event) {
    const link = event.target instanceof Element ? event.target.closest("a[data-route]") : null;
    if (!link) return;
    event.preventDefault();
    this.#chat?.actions.openNewChat();
  }

  /** @param {import("../state/types.js").State} state */
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
    const page = await pageFor(conversation);
    const isGone = remembered !== null && conversation === remembered && page?.querySelector("[data-main]") === null;
    return isGone ? pageFor(null) : page;
  }

  /** @param {string} name */
  #attribute(name) {
    return this.element.getAttribute(name);
  }

  #style() {
    const [sheet] = this.sheets;
    const loaded = new Promise((resolve) => ["load", "error"].forEach((type) => sheet.addEventListener(type, resolve)));
    this.shadow.append(...this.sheets);
    return loaded;
  }
}

/** @param {string} path  from this module */
function linkTo(path) {
  const href = new URL(path, import.meta.url).href;
  return Object.assign(document.createElement("link"), { rel: "stylesheet", crossOrigin: "anonymous", href });
}
