// @ts-check
/**
 * The model picker and the thinking switch. This browser remembers the choice; a conversation goes
 * on with the model that it had. The switch has three states: on, off, and as the model likes.
 */

import { hook, setText } from "../dom/hooks.js";
import { recall, remember } from "../dom/storage.js";
import { t } from "../language.js";
import { effectiveChoice } from "../state/selectors.js";
import { View } from "./view.js";

const MODEL_KEY = "model";
const THINKING_KEY = "thinking";
/** Each with its words for the eye and for a screen reader; a click leads to the next one. */
const THINKING = [
  { value: null, label: t("Think"), says: t("Think: as the model likes") },
  { value: true, label: t("Think: on"), says: t("Think: on") },
  { value: false, label: t("Think: off"), says: t("Think: off") },
];

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
    remember(MODEL_KEY, choice);
    this.store.dispatch({ type: "model-chosen", choice });
  }

  #onToggle() {
    const at = THINKING.findIndex(({ value }) => value === this.store.state.thinking);
    const thinking = THINKING[(at + 1) % THINKING.length].value;
    remember(THINKING_KEY, thinking);
    this.store.dispatch({ type: "thinking-set", thinking });
  }

  /** @param {import("../state/types.js").Change} change */
  #onChange({ state, previous }) {
    const fresh = state.catalogue !== previous.catalogue;
    if (fresh) this.#fill();
    if (fresh || state.choice !== previous.choice || state.thinking !== previous.thinking) this.#show();
  }

  #fill() {
    const { catalogue, choice, usual } = this.store.state;
    const offered = catalogue.providers.filter((each) => each.models.length > 0);
    const known = choice ?? usual;
    const remembered = known ? [{ name: known.provider, models: [known.model] }] : [];
    const groups = (offered.length ? offered : remembered).map(group);
    if (groups.length) this.picker.replaceChildren(...groups);
    this.picker.disabled = offered.length === 0;
  }

  #show() {
    const { thinking } = this.store.state;
    const choice = effectiveChoice(this.store.state);
    if (choice && !this.picker.disabled) this.picker.value = valueOf(choice.provider, choice.model);
    const { label, says } = THINKING.find(({ value }) => value === thinking) ?? THINKING[0];
    this.toggle.setAttribute("aria-pressed", thinking === null ? "mixed" : String(thinking));
    this.toggle.setAttribute("aria-label", says);
    this.toggle.title = says;
    setText(hook(this.toggle, "thinking-state"), label);
  }
}

/** @returns {Partial<import("../state/types.js").State>} what this browser remembers */
export function rememberedModel() {
  return { usual: recall(MODEL_KEY), thinking: recall(THINKING_KEY) };
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
