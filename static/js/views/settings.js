// @ts-check
/** How the answers of this conversation are made: instructions, temperature, length. Loaded at need. */

import { Dialog } from "../dom/dialog.js";
import { element } from "../dom/element.js";
import { t } from "../language.js";

/** @typedef {import("../state/types.js").Settings} Settings */

export class SettingsDialog extends Dialog {
  /**
   * @param {HTMLElement} root
   * @param {Settings} settings
   * @param {(settings: Settings) => Promise<boolean>} save
   */
  constructor(root, settings, save) {
    super(root, "settings", t("Settings of this conversation"));
    this.settings = settings;
    this.save = save;
    this.instructions = field("textarea", { rows: "6", maxlength: "100000", dir: "auto" }, settings.instructions);
    this.temperature = field("input", { type: "number", min: "0", max: "2", step: "any" }, settings.temperature);
    this.tokens = field("input", { type: "number", min: "1", step: "1" }, settings.max_tokens);
    this.fill(
      labelled(t("Instructions"), this.instructions, t("What the model is told before all messages.")),
      element(
        "div", { class: "settings-pair" },
        labelled(t("Temperature"), this.temperature, t("From 0, exact, to 2, free.")),
        labelled(t("Longest answer, in tokens"), this.tokens, ""),
      ),
      element("p", { class: "settings-words" }, t("A field that is empty leaves it to the model.")),
    );
    this.row(this.closing(t("Cancel")), element("button", { class: "button go", "data-settings-save": "" }, t("Save")));
    this.body.addEventListener("submit", (event) => this.#onSubmit(event));
  }

  /** @param {Event} event */
  async #onSubmit(event) {
    event.preventDefault(); // it stays open until the server has them
    const { provider, model } = this.settings;
    const settings = {
      instructions: this.instructions.value.trim(),
      temperature: numberIn(this.temperature),
      max_tokens: numberIn(this.tokens),
      provider, model,
    };
    if (await this.save(settings)) this.close();
  }
}

/** @param {string} name @param {Record<string, string>} attributes @param {unknown} value */
function field(name, attributes, value) {
  const node = /** @type {HTMLInputElement|HTMLTextAreaElement} */ (element(name, attributes));
  node.value = String(value ?? "");
  return node;
}

/** @param {string} label @param {HTMLElement} node @param {string} words */
function labelled(label, node, words) {
  return element("label", { class: "settings-field" }, label, node, ...(words ? [element("small", {}, words)] : []));
}

/** @param {{value: string}} field */
function numberIn({ value }) {
  return value.trim() === "" ? null : Number(value);
}
