// @ts-check
/**
 * Files come by the button, by pasting and by dropping. What is done with them is loaded with the
 * first one.
 */

import { hook } from "../dom/hooks.js";
import { part } from "../dom/part.js";
import { View } from "./view.js";

export class AttachView extends View {
  /** @type {Promise<import("./attachments.js").Attachments|null>|null} */ #list = null;

  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.input = /** @type {HTMLInputElement} */ (hook(root, "attach-input"));
  }

  start() {
    this.on(hook(this.root, "attach"), "click", () => this.input.click());
    this.on(this.input, "change", () => this.#add(this.input.files));
    this.on(this.root, "paste", (event) => this.#onPaste(event));
    this.on(this.root, "dragover", (event) => this.#onDrag(event));
    this.on(this.root, "dragleave", ({ relatedTarget }) => relatedTarget || this.#mark(false));
    this.on(this.root, "drop", (event) => this.#onDrop(event));
    this.on(this.store, "change", ({ detail: { state, previous } }) => {
      if (state.attached !== previous.attached) this.#loaded();
    });
    if (this.store.state.attached.length) this.#loaded(); // the draft had files
  }

  /** Text that comes with a picture of it, as from a table, stays text. @param {ClipboardEvent} event */
  #onPaste(event) {
    const { files, types } = event.clipboardData ?? new DataTransfer();
    if (!files.length || types.includes("text/plain")) return;
    event.preventDefault();
    this.#add(files);
  }

  /** @param {DragEvent} event */
  #onDrag(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.#mark(true);
  }

  /** @param {DragEvent} event */
  #onDrop(event) {
    this.#mark(false);
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.#add(event.dataTransfer.files);
  }

  /** @param {boolean} isOver */
  #mark(isOver) {
    this.root.toggleAttribute("data-dropping", isOver);
  }

  /** @param {FileList|null} files */
  async #add(files) {
    const chosen = [...(files ?? [])]; // the list is emptied with the field
    this.input.value = "";
    (await this.#loaded())?.add(chosen);
    hook(this.root, "prompt").focus();
  }

  #loaded() {
    this.#list ??= this.#load();
    return this.#list;
  }

  async #load() {
    const loaded = await part(this.root, import("./attachments.js"));
    if (loaded) return new loaded.Attachments(this.root, this.store, this.actions);
    this.#list = null; // the next file may find the server again
    return null;
  }

  stop() {
    super.stop();
    this.#list?.then((list) => list?.stop());
    this.#list = null;
  }
}
