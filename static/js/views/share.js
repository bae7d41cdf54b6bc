// @ts-check
/** The open conversation's read-only link: made, copied, taken back. Loaded when it is asked for. */

import { copyFrom } from "../dom/clipboard.js";
import { Dialog } from "../dom/dialog.js";
import { button, element } from "../dom/element.js";
import { setText } from "../dom/hooks.js";
import { t } from "../language.js";

const SHARED = t("Anyone with this link can read the conversation, also as it goes on.");
const ALONE = t("A link lets anyone who has it read this conversation, also as it goes on. You can take it back at any time.");

export class ShareDialog extends Dialog {
  #link = "";

  /**
   * @param {HTMLElement} root
   * @param {string} conversation
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, conversation, actions) {
    super(root, "share", t("Share this conversation"));
    this.conversation = conversation;
    this.actions = actions;
    this.words = element("p", { "data-share-words": "" });
    this.field = /** @type {HTMLInputElement} */ (
      element("input", { class: "share-link", type: "text", "aria-label": t("The link"), readonly: "", "data-share-link": "" })
    );
    this.takeBack = button(t("Take back"), "button danger", { "data-share-take-back": "" }, () => this.#takeBack());
    this.go = button("", "button go", { "data-share-go": "" }, () => this.#makeOrCopy());
    this.fill(this.words, this.field);
    this.row(this.takeBack, this.closing(t("Close")), this.go);
  }

  async open() {
    this.#show(await this.actions.shared(this.conversation));
    super.open();
  }

  async #makeOrCopy() {
    if (this.#link) await copyFrom(this.go, this.#link);
    else this.#show(await this.actions.share(this.conversation));
  }

  async #takeBack() {
    if (await this.actions.unshare(this.conversation)) this.#show("");
  }

  /** @param {string} link  empty if there is none */
  #show(link) {
    this.#link = link;
    this.field.value = link;
    this.field.hidden = link === "";
    this.takeBack.hidden = link === "";
    setText(this.words, link ? SHARED : ALONE);
    setText(this.go, link ? t("Copy link") : t("Make a link"));
  }
}
