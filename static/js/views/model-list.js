// @ts-check
/**
 * The list of models, to search in: a combobox over a listbox. The focus stays in the search; arrows
 * move through the options. On a phone it covers the lower part of the screen.
 */

import { element } from "../dom/element.js";
import { hook, isComposing, isTouched, setText } from "../dom/hooks.js";
import { withSheet } from "../dom/sheet.js";
import { t } from "../language.js";
import { effectiveChoice } from "../state/selectors.js";
import { KINDS, matching, wordsFor } from "./model-search.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").Choice} Choice */
/** @typedef {import("./model-search.js").Offered} Offered */

/** More are not looked through; a router lists hundreds. */
const MOST_SHOWN = 200;
/** With fewer models than this nobody needs the recent ones on top. */
const MANY = 8;

let count = 0;

export class ModelList extends View {
  /** @type {Set<string>} */ #kinds = new Set();
  #at = 0;

  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {Choice[]} recent
   * @param {(choice: Choice) => void} pick
   */
  constructor(root, store, recent, pick) {
    super(root);
    this.store = store;
    this.recent = recent;
    this.pick = pick;
    this.opener = hook(root, "picker");
    this.node = element("div", { class: "models", role: "group", "aria-label": t("Models"), tabindex: "-1" });
    const id = `models-${(count += 1)}`;
    this.search = /** @type {HTMLInputElement} */ (element("input", {
      class: "models-search", type: "text", placeholder: t("Search models"), autocomplete: "off", spellcheck: "false", role: "combobox",
      "aria-label": t("Search models"), "aria-controls": id, "aria-autocomplete": "list",
    }));
    this.kinds = element("div", { class: "models-kinds" });
    this.list = element("div", { class: "models-list", id, role: "listbox", "aria-label": t("Models") });
    this.none = element("p", { class: "models-none", role: "status" });
  }

  get isOpen() {
    return this.node.isConnected;
  }

  async open() {
    await withSheet(this.root);
    this.#furnish();
    this.on(this.search, "input", () => this.#show());
    this.on(this.kinds, "click", ({ target }) => this.#onKind(target));
    this.on(this.node, "keydown", (event) => this.#onKeydown(event));
    this.on(this.list, "click", ({ target }) => this.#choose(target.closest("[role=option]")));
    this.on(this.list, "pointerdown", (event) => event.preventDefault()); // the focus stays in the search
    this.on(document, "pointerdown", (event) => {
      const path = event.composedPath();
      if (!path.includes(this.node) && !path.includes(this.opener)) this.close(false);
    });
    this.on(this.node, "focusout", ({ relatedTarget }) => {
      if (relatedTarget instanceof Node && !this.node.contains(relatedTarget)) this.close(false);
    });
    hook(this.root, "composer").append(this.node);
    this.opener.setAttribute("aria-expanded", "true");
    this.#show();
    this.node.style.height = `${this.node.offsetHeight}px`; // it grows upwards: with fewer options the search would move
    (isTouched() ? this.node : this.search).focus(); // a keyboard would cover the options
  }

  /** @param {boolean} [back]  whether the focus goes back to the button */
  close(back = true) {
    this.stop();
    this.node.remove();
    this.opener.setAttribute("aria-expanded", "false");
    if (back) this.opener.focus();
  }

  #furnish() {
    const known = Object.keys(KINDS).filter((kind) => this.#offered().some(({ facts }) => KINDS[kind](facts)));
    this.kinds.append(...known.map((kind) => element("button", { type: "button", "aria-pressed": "false", "data-kind": kind }, kind)));
    this.node.append(this.search, ...(known.length ? [this.kinds] : []), this.list, this.none);
  }

  /** @returns {Offered[]} */
  #offered() {
    return this.store.state.catalogue.providers.flatMap(({ name, models, facts = {} }) =>
      models.map((model) => ({ provider: name, model, facts: facts[model] ?? {} })));
  }

  /** @param {Element} target */
  #onKind(target) {
    const button = target.closest("button");
    const kind = button?.dataset.kind;
    if (!button || !kind) return;
    if (!this.#kinds.delete(kind)) this.#kinds.add(kind);
    button.setAttribute("aria-pressed", String(this.#kinds.has(kind)));
    this.#show();
  }

  /** @param {KeyboardEvent} event */
  #onKeydown(event) {
    if (isComposing(event)) return;
    if (event.target === this.node && isText(event)) return this.#write(event);
    const options = this.#options;
    const moves = { ArrowDown: this.#at + 1, ArrowUp: this.#at - 1, PageDown: this.#at + 8, PageUp: this.#at - 8 };
    const to = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (to !== undefined && options.length) this.#move(Math.abs(to - this.#at) === 1 ? (to + options.length) % options.length : Math.max(0, Math.min(to, options.length - 1)));
    else if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && (event.target === this.search || event.target === this.node)) this.#choose(options[this.#at]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** With a keyboard on a touch screen: the letter goes into the search. @param {KeyboardEvent} event */
  #write(event) {
    event.stopPropagation(); // it is no shortcut
    this.search.focus();
  }

  get #options() {
    return /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll("[role=option]")]);
  }

  /** @param {number} at */
  #move(at) {
    const options = this.#options;
    options[this.#at]?.classList.remove("at");
    this.#at = at;
    options[at]?.classList.add("at");
    options[at]?.scrollIntoView({ block: "nearest" });
    this.search.setAttribute("aria-activedescendant", options[at]?.id ?? "");
  }

  /** @param {HTMLElement|null|undefined} option */
  #choose(option) {
    if (!option) return;
    this.pick(JSON.parse(option.dataset.option ?? ""));
    this.close();
  }

  #show() {
    const offered = this.#offered();
    const found = matching(offered, this.search.value, this.#kinds).slice(0, MOST_SHOWN);
    const groups = Map.groupBy(found, ({ provider }) => provider);
    const isWhole = !this.search.value.trim() && !this.#kinds.size;
    const recent = isWhole && offered.length > MANY ? this.#recent(offered) : [];
    const parts = [...(recent.length ? [this.#group(t("Recent"), recent, true)] : []), ...[...groups].map(([name, models]) => this.#group(name, models, false))];
    this.list.replaceChildren(...parts);
    this.list.hidden = !parts.length; // a listbox without an option is none
    this.search.setAttribute("aria-expanded", String(!this.list.hidden));
    setText(this.none, this.list.hidden ? t("No model is called like this.") : "");
    const chosen = this.#options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    this.#at = 0;
    this.#move(isWhole && chosen >= 0 ? chosen : 0);
  }

  /** @param {Offered[]} offered @returns {Offered[]} */
  #recent(offered) {
    return this.recent.flatMap(({ provider, model }) => offered.find((each) => each.provider === provider && each.model === model) ?? []);
  }

  /** @param {string} name @param {Offered[]} models @param {boolean} isRecent */
  #group(name, models, isRecent) {
    const title = element("div", { class: "models-group", id: `${this.list.id}-${(count += 1)}` }, name);
    return element("div", { role: "group", "aria-labelledby": title.id }, title, ...models.map((each) => this.#option(each, isRecent)));
  }

  /** @param {Offered} offered @param {boolean} isRecent */
  #option({ provider, model, facts }, isRecent) {
    const chosen = effectiveChoice(this.store.state);
    const isChosen = chosen?.provider === provider && chosen.model === model;
    return element(
      "div",
      {
        class: "models-option", id: `${this.list.id}-${(count += 1)}`, role: "option",
        "aria-selected": String(isChosen), "data-option": JSON.stringify({ provider, model }),
      },
      element("b", {}, model), " ", element("small", {}, wordsFor(facts, isRecent ? provider : "")),
    );
  }
}

/** Whether a key writes a character. @param {KeyboardEvent} event */
function isText({ key, ctrlKey, metaKey, altKey }) {
  return key.length === 1 && !ctrlKey && !metaKey && !altKey;
}
