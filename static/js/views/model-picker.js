// @ts-check
/**
 * The model's button and the thinking switch. The list behind the button is loaded when it is
 * opened. This browser remembers the choice; a conversation goes on with the model that it had. The
 * switch has three states: on, off, and as the model likes; a model that has no choice has none.
 */

import { hook, setText } from "../dom/hooks.js";
import { part } from "../dom/part.js";
import { recall, remember } from "../dom/storage.js";
import { t } from "../language.js";
import { canSwitchThinking, effectiveChoice } from "../state/selectors.js";
import { MODEL_KEY, THINKING_KEY } from "./choices.js";
import { View } from "./view.js";

const RECENT_KEY = "models";
const MOST_RECENT = 5;
/** Each with its words for the eye and for a screen reader; a click leads to the next one. */
const THINKING = [
  { value: null, label: t("Think"), says: t("Think: as the model likes") },
  { value: true, label: t("Think: on"), says: t("Think: on") },
  { value: false, label: t("Think: off"), says: t("Think: off") },
];

export class ModelPicker extends View {
  /** @type {import("./model-list.js").ModelList|null} */ #list = null;

  /** @param {HTMLElement} root @param {import("../state/store.js").Store} store */
  constructor(root, store) {
    super(root);
    this.store = store;
    this.picker = /** @type {HTMLButtonElement} */ (hook(root, "picker"));
    this.toggle = hook(root, "thinking-toggle");
  }

  start() {
    this.on(this.picker, "click", () => this.#open());
    this.on(this.toggle, "click", () => this.#onToggle());
    this.on(this.store, "change", ({ detail }) => this.#onChange(detail));
    this.#show();
  }

  async #open() {
    const loaded = await part(this.picker, import("./model-list.js"));
    if (!loaded) return;
    if (this.#list?.isOpen) return this.#list.close();
    this.#list = new loaded.ModelList(this.root, this.store, recentModels(), (choice) => this.#pick(choice));
    await this.#list.open();
  }

  stop() {
    super.stop();
    this.#list?.close(false);
  }

  /** @param {import("../state/types.js").Choice} choice */
  #pick(choice) {
    remember(MODEL_KEY, choice);
    const others = recentModels().filter((each) => valueOf(each) !== valueOf(choice));
    remember(RECENT_KEY, [choice, ...others].slice(0, MOST_RECENT));
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
    const fields = /** @type {const} */ (["catalogue", "choice", "usual", "thinking"]);
    if (fields.some((field) => state[field] !== previous[field])) this.#show();
  }

  #show() {
    const { state } = this.store;
    const choice = effectiveChoice(state) ?? state.choice ?? state.usual;
    this.picker.disabled = !state.catalogue.providers.some(({ models }) => models.length > 0);
    this.picker.dataset.value = choice ? valueOf(choice) : "";
    this.picker.setAttribute("aria-label", choice ? t("Model: {model} of {provider}", choice) : t("Model"));
    setText(this.picker, choice?.model ?? t("Models…"));
    const { label, says } = THINKING.find(({ value }) => value === state.thinking) ?? THINKING[0];
    this.toggle.hidden = !canSwitchThinking(state);
    this.toggle.setAttribute("aria-pressed", state.thinking === null ? "mixed" : String(state.thinking));
    this.toggle.setAttribute("aria-label", says);
    this.toggle.title = says;
    setText(hook(this.toggle, "thinking-state"), label);
  }
}

/** @returns {import("../state/types.js").Choice[]} what was picked last, the newest first */
function recentModels() {
  return recall(RECENT_KEY) ?? [];
}

/** @param {import("../state/types.js").Choice} choice */
function valueOf({ provider, model }) {
  return JSON.stringify({ provider, model });
}
