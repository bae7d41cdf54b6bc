// @ts-check
/**
 * The model picker and the thinking switch. This browser remembers the choice. Until a reader
 * touches the switch, the model decides whether it thinks.
 */

import { hook } from "../dom/hooks.js";
import { effectiveChoice } from "../state/selectors.js";
import { View } from "./view.js";

const MODEL_KEY = "chatapp.model";
const THINKING_KEY = "chatapp.thinking";

export class ModelPicker extends View {
  /** @param {HTMLElement} root @param {import("../state/store.js").Store} store */
  constructor(root, store) {
    super(root);
    this.store = store;
    this.picker = /** @type {HTMLSelectElement} */ (hook(root, "picker"));
    this.toggle = hook(root, "thinking-toggle");
  }

  start() {
    this.on(this.picker, "change", () => this.#onPick());
    this.on(this.toggle, "click", () => this.#onToggle());
    this.on(this.store, "change", ({ detail }) => this.#onChange(detail));
    this.#fill();
    this.#show();
  }

  #onPick() {
    const choice = JSON.parse(this.picker.value);
    localStorage.setItem(MODEL_KEY, this.picker.value);
    this.store.dispatch({ type: "model-chosen", choice });
  }

  #onToggle() {
    const thinking = !this.store.state.thinking;
    localStorage.setItem(THINKING_KEY, String(thinking));
    this.store.dispatch({ type: "thinking-set", thinking });
  }

  /** @param {import("../state/types.js").Change} change */
  #onChange({ state, previous }) {
    const fresh = state.catalogue !== previous.catalogue;
    if (fresh) this.#fill();
    if (fresh || state.choice !== previous.choice || state.thinking !== previous.thinking) this.#show();
  }

  #fill() {
    const { catalogue, choice } = this.store.state;
    const offered = catalogue.providers.filter((each) => each.models.length > 0);
    const remembered = choice ? [{ name: choice.provider, models: [choice.model] }] : [];
    const groups = (offered.length ? offered : remembered).map(group);
    if (groups.length) this.picker.replaceChildren(...groups);
    this.picker.disabled = offered.length === 0;
  }

  #show() {
    const { thinking } = this.store.state;
    const choice = effectiveChoice(this.store.state);
    if (choice && !this.picker.disabled) this.picker.value = valueOf(choice.provider, choice.model);
    this.toggle.setAttribute("aria-pressed", String(thinking === true));
  }
}

/** @returns {Partial<import("../state/types.js").State>} what this browser remembers */
export function rememberedModel() {
  const model = localStorage.getItem(MODEL_KEY);
  const thinking = localStorage.getItem(THINKING_KEY);
  return { choice: model ? JSON.parse(model) : null, thinking: thinking ? JSON.parse(thinking) : null };
}

/** @param {{name: string, models: string[]}} provider */
function group({ name, models }) {
  const made = document.createElement("optgroup");
  made.label = name;
  made.append(...models.map((model) => new Option(model, valueOf(name, model))));
  return made;
}

/** @param {string} provider @param {string} model */
function valueOf(provider, model) {
  return JSON.stringify({ provider, model });
}
