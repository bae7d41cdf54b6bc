// @ts-check
/** Shows a refusal that belongs to no answer. */

import { hook, setText } from "../dom/hooks.js";
import { FOUND, MISSING } from "../dom/part.js";
import { t } from "../language.js";
import { View } from "./view.js";

export class NoticeView extends View {
  /** Says that a part is missing. @type {import("../state/types.js").Notice|null} */ #missing = null;

  /** @param {HTMLElement} root @param {import("../state/store.js").Store} store */
  constructor(root, store) {
    super(root);
    this.store = store;
    this.node = hook(root, "notice");
  }

  start() {
    this.on(this.root, MISSING, () => this.#onMissing());
    this.on(this.root, FOUND, () => this.store.state.notice === this.#missing && this.#dismiss());
    this.on(hook(this.node, "notice-close"), "click", () => this.#dismiss());
    this.on(this.store, "change", ({ detail: { state, previous } }) => {
      if (state.notice !== previous.notice) this.#show();
    });
    this.#show();
  }

  #onMissing() {
    this.store.dispatch({ type: "notice-shown", text: t("The server cannot be reached. Check the connection and try again.") });
    this.#missing = this.store.state.notice;
  }

  #dismiss() {
    this.store.dispatch({ type: "notice-dismissed" });
  }

  #show() {
    const { notice } = this.store.state;
    this.node.hidden = !notice;
    setText(hook(this.node, "notice-text"), notice?.text ?? "");
    setText(hook(this.node, "notice-detail"), notice?.detail ?? "");
    setText(hook(this.node, "notice-trace"), notice?.traceId ? t("Trace {id}", { id: notice.traceId }) : "");
  }
}
