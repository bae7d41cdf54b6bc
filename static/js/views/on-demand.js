// @ts-check
/** The buttons and keys for what few visits need. Each part is loaded when it is asked for. */

import { closing } from "../dom/closing.js";
import { hook } from "../dom/hooks.js";
import { t } from "../language.js";
import { at } from "../server/address.js";
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
      this.on(menu, "click", ({ target }) => target instanceof Element && target.closest("a, button") && (menu.open = false));
    }
    this.#onClick("share", () => this.#share());
    this.#onClick("search", () => this.#search());
    this.#onClick("settings", () => this.#settings());
    this.#onClick("import", () => this.#import());
    this.on(this.root, "keydown", (event) => this.#onKey(event));
    this.on(this.store, "change", () => this.#show());
    this.#show();
  }

  /** @param {string} name @param {() => void} open */
  #onClick(name, open) {
    this.on(hook(this.root, name), "click", open);
  }

  #show() {
    const { conversationId } = this.store.state;
    hook(this.root, "share").hidden = conversationId === null;
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

  /**
   * Says so if it cannot be had.
   * @template T
   * @param {Promise<T>} module
   * @returns {Promise<T>}
   */
  async #needed(module) {
    try {
      return await module;
    } catch (error) {
      const text = t("The server cannot be reached. Check the connection and try again.");
      this.store.dispatch({ type: "notice-shown", text });
      throw error;
    }
  }

  async #search() {
    const { SearchDialog } = await this.#needed(import("./search.js"));
    new SearchDialog(this.root, this.actions).open();
  }

  async #share() {
    const { conversationId } = this.store.state;
    const { ShareDialog } = await this.#needed(import("./share.js"));
    if (conversationId) await new ShareDialog(this.root, conversationId, this.actions).open();
  }

  async #settings() {
    const { SettingsDialog } = await this.#needed(import("./settings.js"));
    const { conversationId } = this.store.state;
    const settings = conversationId ? await this.actions.settings(conversationId) : {};
    if (settings) new SettingsDialog(this.root, settings, (changed) => this.actions.set(conversationId, changed)).open();
  }

  async #import() {
    const { importFiles } = await this.#needed(import("./import.js"));
    const id = await importFiles((text) => this.actions.bring(text));
    await this.actions.refreshConversations();
    if (id) await this.actions.open(id);
  }
}
