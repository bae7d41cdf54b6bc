// @ts-check
/** What can be done with the open conversation, from its header. Each part is loaded when it is asked for. */

import { hook } from "../dom/hooks.js";
import { View } from "./view.js";

export class ConversationMenu extends View {
  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.share = hook(root, "share");
  }

  start() {
    this.on(this.share, "click", () => this.#share());
    this.on(this.store, "change", () => this.#show());
    this.#show();
  }

  #show() {
    this.share.hidden = this.store.state.conversationId === null;
  }

  async #share() {
    const { conversationId } = this.store.state;
    const { ShareDialog } = await import("./share.js");
    if (conversationId) await new ShareDialog(this.root, conversationId, this.actions).open();
  }
}
