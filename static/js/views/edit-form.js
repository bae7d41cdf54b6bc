// @ts-check
/**
 * A question in other words: a box in its place. Enter asks it, Escape leaves it as it is. What was
 * there is kept as another version. Loaded when the first question is edited.
 */

import { element } from "../dom/element.js";
import { hook, isComposing } from "../dom/hooks.js";
import { t } from "../language.js";
import { View } from "./view.js";

export class EditForm extends View {
  /**
   * @param {HTMLElement} node  of the question
   * @param {import("../state/types.js").ShownMessage} message
   * @param {import("../actions.js").Actions} actions
   */
  constructor(node, message, actions) {
    super(node);
    this.message = message;
    this.actions = actions;
    this.box = /** @type {HTMLTextAreaElement} */ (element("textarea", { dir: "auto", rows: "1", "aria-label": t("Your question") }));
    this.box.value = message.content;
    this.cancel = element("button", { type: "button", class: "button", "data-edit-cancel": "" }, t("Cancel"));
    this.form = element("form", { class: "edit-form", "data-edit-form": "" }, this.box, element(
      "div", { class: "edit-row" },
      this.cancel,
      element("button", { class: "button go", "data-edit-send": "" }, t("Ask again")),
    ));
  }

  open() {
    this.on(this.form, "submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.on(this.box, "keydown", (event) => this.#onKey(event));
    this.on(this.cancel, "click", () => this.#close());
    this.#hide(true);
    this.root.append(this.form);
    this.box.focus();
    this.box.setSelectionRange(this.box.value.length, this.box.value.length);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (isComposing(event)) return;
    if (event.key === "Escape") {
      event.stopPropagation(); // it stops no answer
      this.#close();
    }
    if (event.key !== "Enter" || event.shiftKey || (matchMedia("(pointer: coarse)").matches && !event.ctrlKey)) return;
    event.preventDefault();
    this.#send();
  }

  async #send() {
    const prompt = this.box.value.trim();
    if (!prompt) return;
    this.#close();
    if (prompt !== this.message.content) await this.actions.edit(this.message.id, prompt);
  }

  #close() {
    this.stop();
    this.form.remove();
    this.#hide(false);
    hook(this.root, "edit").focus();
  }

  /** What the form stands for; a question may have files alone. @param {boolean} hidden */
  #hide(hidden) {
    hook(this.root, "text").hidden = hidden || !this.message.content;
    hook(this.root, "question-foot").hidden = hidden;
  }
}
