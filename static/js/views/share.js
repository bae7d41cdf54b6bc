// @ts-check
/** The open conversation's read-only link: made, copied, taken back. */

import { copyFrom } from "../dom/clipboard.js";
import { hook, setText } from "../dom/hooks.js";
import { t } from "../language.js";
import { View } from "./view.js";

const SHARED = t("Anyone with this link can read the conversation, also as it goes on.");
const ALONE = t("A link lets anyone who has it read this conversation, also as it goes on. You can take it back at any time.");

export class ShareView extends View {
  #link = "";

  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.button = hook(root, "share");
    this.dialog = /** @type {HTMLDialogElement} */ (hook(root, "share-dialog"));
    this.go = hook(root, "share-go");
  }

  start() {
    this.on(this.button, "click", () => this.#open());
    this.on(this.go, "click", () => this.#makeOrCopy());
    this.on(hook(this.root, "share-take-back"), "click", () => this.#takeBack());
    this.on(this.store, "change", () => this.#showButton());
    this.#showButton();
  }

  #showButton() {
    this.button.hidden = this.#conversation() === "";
  }

  #conversation() {
    return this.store.state.conversationId ?? "";
  }

  async #open() {
    this.#show(await this.actions.shared(this.#conversation()));
    this.dialog.showModal();
  }

  async #makeOrCopy() {
    if (this.#link) await copyFrom(this.go, this.#link);
    else this.#show(await this.actions.share(this.#conversation()));
  }

  async #takeBack() {
    if (await this.actions.unshare(this.#conversation())) this.#show("");
  }

  /** @param {string} link  empty if there is none */
  #show(link) {
    this.#link = link;
    const field = /** @type {HTMLInputElement} */ (hook(this.dialog, "share-link"));
    field.value = link;
    field.hidden = link === "";
    hook(this.dialog, "share-take-back").hidden = link === "";
    setText(hook(this.dialog, "share-words"), link ? SHARED : ALONE);
    setText(hook(this.go, "label"), link ? t("Copy link") : t("Make a link"));
  }
}
