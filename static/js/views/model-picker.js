// @ts-check
/**
 * The model picker and the thinking switch. What was picked is remembered in this browser; a switch that nobody has
 * touched leaves it to the model whether it thinks.
 */

import { hook } from "../dom/hooks.js";
import { effectiveChoice } from "../state/selectors.js";

const MODEL_KEY = "chatapp.model";
const THINKING_KEY = "chatapp.thinking";

export class ModelPicker {
  /** @param {import("../state/store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.picker = /** @type {HTMLSelectElement} */ (hook(document, "picker"));
    this.toggle = hook(document, "thinking-toggle");
  }

  start() {
    this.picker.addEventListener("change", () => this.#onPick());
    this.toggle.addEventListener("click", () => this.#onToggle());
    this.store.addEventListener("change", (event) => this.#onChange(/** @type {CustomEvent} */ (event).detail));
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

  /** @param {{state: import("../state/types.js").State, previous: import("../state/types.js").State}} change */
  #onChange({ state, previous }) {
    if (state.catalogue !== previous.catalogue) this.#fill();
    if (state.catalogue !== previous.catalogue || state.choice !== previous.choice || state.thinking !== previous.thinking) this.#show();
  }

  #fill() {
    const offered = this.store.state.catalogue.providers.filter((each) => each.models.length > 0);
    const { choice } = this.store.state;
    const groups = offered.length || !choice ? offered.map(group) : [group({ name: choice.provider, models: [choice.model] })];
    if (groups.length) this.picker.replaceChildren(...groups);
    this.picker.disabled = offered.length === 0;
  }

  #show() {
    const { thinking } = this.store.state;
    const choice = effectiveChoice(this.store.state);
    if (choice && !this.picker.disabled) this.picker.value = JSON.stringify({ provider: choice.provider, model: choice.model });
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
  made.append(...models.map((model) => new Option(model, JSON.stringify({ provider: name, model }))));
  return made;
}
