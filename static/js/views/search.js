// @ts-check
/**
 * Search in all conversations: a box, and below it titles and messages with the words marked. Arrows
 * go through them; Enter, or a click, leads there. Before anything is written it has the
 * conversations that were used last. Loaded when somebody searches.
 */

import { Dialog } from "../dom/dialog.js";
import { button, element } from "../dom/element.js";
import { hook, isComposing } from "../dom/hooks.js";
import { t } from "../language.js";
import { at } from "../server/address.js";
import { groupOf } from "../state/list.js";

/** @typedef {{text: string, mark?: boolean}[]} Snippet */
/** @typedef {{message_id: string, conversation_id: string, title: string, role: string, shown: boolean, snippet: Snippet}} Hit */
/** @typedef {{id: string, title: string, snippet: Snippet}} TitleHit */
/** @typedef {{hits: Hit[], conversations: TitleHit[], next: string|null, indexing: boolean}} Found */

/** Between two strokes of a key. */
const PAUSE_MS = 200;
const MOST_RECENT = 8;
/** Longer than the messages around one take to be drawn. */
const DRAWN_AFTER_MS = 3000;

export class SearchDialog extends Dialog {
  #words = "";
  #shown = ""; // the words of which the list is
  #enters = false;
  /** @type {number|undefined} */ #timer;

  /** @param {HTMLElement} root @param {import("../actions.js").Actions} actions */
  constructor(root, actions) {
    super(root, "search", t("Search"));
    this.actions = actions;
    this.box = /** @type {HTMLInputElement} */ (element("input", {
      type: "search", class: "search-box", placeholder: t("Search in all conversations"), maxlength: "200",
      "aria-label": t("Search in all conversations"), autocomplete: "off", "data-search-box": "",
    }));
    this.list = element("ul", { class: "search-hits", "data-search-hits": "" });
    this.words = element("p", { class: "search-words", role: "status" });
    this.more = button(t("Show more"), "quiet", {}, () => this.#find(this.more.dataset.before));
    this.more.hidden = true;
    this.node.classList.add("search");
    this.fill(this.box, this.words, this.list, this.more);
    this.#show(t("Recent"), this.#recent());
    this.closesBeside();
    this.box.addEventListener("input", () => this.#onInput());
    this.node.addEventListener("keydown", (event) => this.#onKey(event));
    this.node.addEventListener("close", () => this.#onClose());
  }

  /** A list that comes later leads nowhere any more. */
  #onClose() {
    clearTimeout(this.#timer);
    this.#enters = false;
  }

  #onInput() {
    this.#enters = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#find(), PAUSE_MS);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (isComposing(event)) return;
    if (event.key === "Enter" && event.target === this.box) {
      event.preventDefault(); // it would close the dialog
      this.#enters = true;
      this.#find(); // again, if it failed before
      this.#enter();
    }
    if (event.key === "Escape") {
      event.preventDefault(); // some browsers would only empty the box; and nothing else is closed or stopped
      this.close();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const places = [this.box, ...this.list.querySelectorAll("a")];
    const here = places.indexOf(/** @type {any} */ (event.target));
    places[Math.min(Math.max(here + step, 0), places.length - 1)].focus();
  }

  /** Goes to the first one that is found, once the list is of what was written. */
  #enter() {
    if (!this.#enters || this.box.value.trim() !== this.#shown) return;
    this.#enters = false;
    this.list.querySelector("a")?.click();
  }

  /** @param {string} [before]  of a further page */
  async #find(before = "") {
    const words = this.box.value.trim();
    if (!before && words === this.#words) return;
    this.#words = words;
    const found = words ? await this.actions.find(words, before) : { hits: [], conversations: [], next: null, indexing: false };
    if (words !== this.#words) return; // somebody went on writing
    if (!found) return this.#onFailure();
    const items = [
      ...found.conversations.map(({ id, title, snippet }) => this.#item(id, null, snippet, title, t("Title"))),
      ...found.hits.map((hit) => this.#item(hit.conversation_id, hit, hit.snippet, hit.title, whose(hit))),
    ];
    if (before) this.list.append(...items);
    else if (words) this.#show(t("Found"), items);
    else this.#show(t("Recent"), this.#recent());
    this.#shown = words;
    this.more.hidden = found.next === null;
    this.more.dataset.before = found.next ?? "";
    const nothing = words && !this.list.childElementCount;
    const none = found.next ? t("Nothing yet: it goes on further back.") : t("Nothing found.");
    const growing = found.indexing ? t("The index is being built: soon there may be more.") : "";
    this.words.textContent = [nothing ? none : "", growing].filter(Boolean).join(" ");
    this.#enter();
  }

  /** The notice says so; the same words may be looked for again. */
  #onFailure() {
    this.#words = this.#shown;
    this.#enters = false;
  }

  /** @param {string} name @param {HTMLElement[]} items */
  #show(name, items) {
    this.list.setAttribute("aria-label", name);
    this.list.replaceChildren(...items);
  }

  /** Those to switch to. */
  #recent() {
    const { conversations, conversationId } = this.actions.store.state;
    const others = conversations.filter(({ id }) => id !== conversationId).slice(0, MOST_RECENT);
    return others.map((each) => this.#item(each.id, null, [{ text: each.title || t("New chat") }], each.title, groupOf(each, new Date())));
  }

  /**
   * @param {string} conversation
   * @param {Hit|null} hit
   * @param {Snippet} snippet
   * @param {string} title
   * @param {string} kind
   */
  #item(conversation, hit, snippet, title, kind) {
    const text = element("span", { class: "search-text", dir: "auto" }, ...snippet.map(piece));
    const where = element("small", {}, hit ? `${kind} · ${title}` : kind);
    const link = element("a", { href: at(`/c/${conversation}`) }, text, where);
    link.addEventListener("click", (event) => this.#go(event, conversation, hit));
    return element("li", {}, link);
  }

  /** @param {MouseEvent} event @param {string} conversation @param {Hit|null} hit */
  async #go(event, conversation, hit) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return; // a tab of its own
    event.preventDefault();
    this.close();
    if (await this.actions.reveal(conversation, hit)) showFound(this.root, hit?.message_id ?? "");
  }
}

/** @param {{text: string, mark?: boolean}} piece */
function piece({ text, mark }) {
  return mark ? element("mark", {}, text) : text;
}

/** @param {Hit} hit */
function whose({ role }) {
  return role === "user" ? t("You") : t("Answer");
}

/**
 * Leads to a message as soon as it is drawn, and stays there while the ones around it are.
 * @param {HTMLElement} root
 * @param {string} id  of the message
 */
function showFound(root, id) {
  const listening = new AbortController();
  const { signal } = listening;
  const show = () => {
    const found = root.querySelector(`[data-message="${CSS.escape(id)}"], [data-root="${CSS.escape(id)}"]`);
    if (!(found instanceof HTMLElement)) return;
    found.tabIndex = -1;
    found.focus({ preventScroll: true });
    found.scrollIntoView({ block: "center" });
    found.addEventListener("blur", () => found.removeAttribute("tabindex"), { once: true });
  };
  hook(root, "thread").addEventListener("painted", show, { signal });
  for (const type of ["wheel", "touchstart", "keydown", "pointerdown"]) {
    root.addEventListener(type, () => listening.abort(), { signal, passive: true });
  }
  setTimeout(() => listening.abort(), DRAWN_AFTER_MS);
  show();
}
