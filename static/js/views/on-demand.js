// @ts-check
/** The buttons and keys for what few visits need. Each part is loaded when it is asked for. */

import { closing } from "../dom/closing.js";
import { hook } from "../dom/hooks.js";
import { part } from "../dom/part.js";
import { t } from "../language.js";
import { at } from "../server/address.js";
import { isSet } from "../state/selectors.js";
import { View } from "./view.js";

export class OnDemand extends View {
  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.menus = /** @type {HTMLDetailsElement[]} */ ([hook(root, "menu"), hook(root, "list-menu")]);
  }

  start() {
    for (const menu of this.menus) {
      closing(this, menu);
      this.on(menu, "click", ({ target }) => this.#onChoice(menu, target));
    }
    this.#onClick("share", () => this.#share());
    this.#onClick("search", () => this.#search());
    this.#onClick("settings", () => this.#settings());
    this.#onClick("import", () => this.#import());
    this.on(this.root, "keydown", (event) => this.#onKey(event));
    this.on(this.store, "change", () => this.#show());
    this.#show();
  }

  /**
   * A dialog gives the focus back to where it was, which the closed menu's entry cannot take.
   * @param {HTMLDetailsElement} menu
   * @param {EventTarget|null} target
   */
  #onChoice(menu, target) {
    if (!(target instanceof Element) || !target.closest("a, button")) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }

  /** @param {string} name @param {() => void} open */
  #onClick(name, open) {
    this.on(hook(this.root, name), "click", open);
  }

  #show() {
    const { conversationId } = this.store.state;
    hook(this.root, "share").hidden = conversationId === null;
    const set = isSet(this.store.state);
    hook(this.root, "menu").toggleAttribute("data-set", set);
    hook(this.root, "settings-set").hidden = !set;
    for (const format of ["json", "markdown"]) {
      const link = hook(this.root, `export-${format}`);
      link.hidden = conversationId === null;
      link.setAttribute("href", at(`/api/v1/conversations/${conversationId}/export?format=${format}`));
    }
  }

  /** Ctrl+K, or Cmd+K, everywhere. @param {KeyboardEvent} event */
  #onKey(event) {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    const asks = key.toLowerCase() === "k" && (ctrlKey || metaKey) && !shiftKey && !altKey;
    if (!asks || this.root.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.#search();
  }

  async #search() {
    const loaded = await part(this.root, import("./search.js"));
    if (loaded) new loaded.SearchDialog(this.root, this.actions).open();
  }

  async #share() {
    const { conversationId } = this.store.state;
    const loaded = await part(this.root, import("./share.js"));
    if (loaded && conversationId) await new loaded.ShareDialog(this.root, conversationId, this.actions).open();
  }

  async #settings() {
    const loaded = await part(this.root, import("./settings.js"));
    if (!loaded) return;
    const { conversationId } = this.store.state;
    const settings = conversationId ? await this.actions.settings(conversationId) : {};
    if (settings) new loaded.SettingsDialog(this.root, settings, (changed) => this.actions.set(conversationId, changed)).open();
  }

  async #import() {
    const loaded = await part(this.root, import("./import.js"));
    if (!loaded) return;
    const id = await loaded.importFiles(
      (text) => this.actions.bring(text),
      (name) => this.store.dispatch({ type: "notice-shown", text: t("{name} is no conversation that was exported here as JSON.", { name }) }),
    );
    await this.actions.refreshConversations();
    if (id) await this.actions.open(id);
  }
}
