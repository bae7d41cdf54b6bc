// @ts-check
/** The files of the draft: each is uploaded at once, shown above the prompt, and can be removed. */

import { arrange, cloned, hook, setText } from "../dom/hooks.js";
import { withSheet } from "../dom/sheet.js";
import { t } from "../language.js";
import { IS_FOREIGN } from "../server/address.js";
import { misfit } from "../state/selectors.js";
import { smaller } from "./smaller.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").Attached} Attached */

export class Attachments extends View {
  #count = 0;

  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.list = hook(root, "attached");
    this.on(this.list, "click", ({ target }) => this.#onClick(target));
    this.on(store, "change", () => this.#show());
    withSheet(root).then(() => this.#show());
  }

  /** @param {File[]} files */
  async add(files) {
    await Promise.all(files.map((file) => this.#upload(file)));
  }

  /** @param {File} file */
  async #upload(file) {
    const key = `new-${(this.#count += 1)}`;
    this.#set([...this.#attached, { key, id: "", name: file.name, media_type: file.type }]);
    const uploaded = await this.actions.upload(await smaller(file));
    if (!this.#attached.some((each) => each.key === key)) {
      if (uploaded) this.actions.forgetUpload(uploaded.id); // it was removed, or left behind, meanwhile
      return;
    }
    if (!uploaded) this.#set(this.#attached.filter((each) => each.key !== key));
    else this.#set(this.#attached.map((each) => (each.key === key ? { ...uploaded, key: uploaded.id } : each)));
  }

  get #attached() {
    return this.store.state.attached;
  }

  /** @param {Attached[]} attached */
  #set(attached) {
    this.store.dispatch({ type: "attached-set", attached });
  }

  /** @param {EventTarget|null} target */
  #onClick(target) {
    const item = target instanceof Element && target.closest("button")?.closest("li");
    if (!item) return;
    const { id } = this.#attached.find(({ key }) => key === item.dataset.key) ?? { id: "" };
    this.#set(this.#attached.filter(({ key }) => key !== item.dataset.key));
    if (id) this.actions.forgetUpload(id);
    hook(this.root, "prompt").focus();
  }

  #show() {
    const shown = new Map([...this.list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.key, item]));
    arrange(this.list, this.#attached.map((file) => shown.get(file.key) ?? this.#item(file)));
    this.list.hidden = this.#attached.length === 0;
    const model = misfit(this.store.state);
    const words = hook(this.root, "attached-problem");
    words.hidden = !model;
    setText(words, model ? t("{model} takes no pictures: choose another model, or remove them.", { model }) : "");
  }

  /** @param {Attached} file */
  #item({ key, id, name, media_type, url }) {
    const item = cloned(this.root, "attached");
    item.dataset.key = key;
    item.toggleAttribute("data-uploading", !id);
    setText(hook(item, "attached-name"), name);
    hook(item, "attached-remove").setAttribute("aria-label", t("Remove {name}", { name }));
    const picture = /** @type {HTMLImageElement} */ (hook(item, "attached-picture"));
    if (id && url && !IS_FOREIGN && media_type.startsWith("image/")) picture.src = url;
    else picture.hidden = true;
    return item;
  }
}
