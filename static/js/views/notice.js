// @ts-check
/** A refusal that belongs to no answer. */

import { hook, setText } from "../dom/hooks.js";

export class NoticeView {
  /** @param {import("../state/store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.node = hook(document, "notice");
  }

  start() {
    hook(this.node, "notice-close").addEventListener("click", () => this.store.dispatch({ type: "notice-dismissed" }));
    this.store.addEventListener("change", () => this.#show());
  }

  #show() {
    const { notice } = this.store.state;
    this.node.hidden = !notice;
    setText(hook(this.node, "notice-text"), notice?.text ?? "");
    setText(hook(this.node, "notice-trace"), notice?.traceId ? `Trace ${notice.traceId}` : "");
  }
}
