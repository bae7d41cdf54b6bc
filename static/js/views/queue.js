// @ts-check
/** The prompts that wait until the running answer is done. Each can be taken out again. */

import { cloned, hook, setText } from "../dom/hooks.js";
import { View } from "./view.js";

export class QueueView extends View {
  /** @param {HTMLElement} root @param {import("../state/store.js").Store} store */
  constructor(root, store) {
    super(root);
    this.store = store;
    this.list = hook(root, "queue");
  }

  start() {
    this.on(this.list, "click", ({ target }) => this.#onClick(target));
    this.on(this.store, "change", ({ detail: { state, previous } }) => {
      if (state.queued !== previous.queued) this.#show(state.queued);
    });
    this.#show(this.store.state.queued);
  }

  /** @param {EventTarget|null} target */
  #onClick(target) {
    const item = target instanceof Element && target.closest("button")?.closest("li");
    if (!item) return;
    const at = [...this.list.children].indexOf(item);
    this.store.dispatch({ type: "queue-set", queued: this.store.state.queued.toSpliced(at, 1) });
    hook(this.root, "prompt").focus();
  }

  /** @param {import("../state/types.js").Queued[]} queued */
  #show(queued) {
    this.list.hidden = queued.length === 0;
    this.list.replaceChildren(...queued.map(({ prompt, files }) => {
      const item = cloned(this.root, "queued");
      setText(hook(item, "queued-text"), [prompt, ...files.map(({ name }) => name)].filter(Boolean).join(" · "));
      return item;
    }));
  }
}
