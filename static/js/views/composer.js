// @ts-check
/** The prompt box: it grows, sends with Enter, and its button stops the answer that is running. */

import { hook } from "../dom/hooks.js";
import { runningAnswer } from "../state/selectors.js";

export class ComposerView {
  /** @param {import("../state/store.js").Store} store @param {import("../actions.js").Actions} actions */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.form = /** @type {HTMLFormElement} */ (hook(document, "composer"));
    this.prompt = /** @type {HTMLTextAreaElement} */ (hook(this.form, "prompt"));
    this.send = /** @type {HTMLButtonElement} */ (hook(this.form, "send"));
    this.stop = /** @type {HTMLButtonElement} */ (hook(this.form, "stop"));
  }

  start() {
    this.form.addEventListener("submit", (event) => this.#onSubmit(event));
    this.prompt.addEventListener("keydown", (event) => this.#onKeydown(event));
    this.prompt.addEventListener("input", () => this.#show());
    this.stop.addEventListener("click", () => this.actions.stop());
    document.addEventListener("click", (event) => this.#onExample(event));
    this.store.addEventListener("change", (event) => this.#onChange(/** @type {CustomEvent} */ (event).detail));
    this.#show();
    this.focus();
  }

  /** On a touch screen a focus would bring up the keyboard unasked. */
  focus() {
    if (matchMedia("(pointer: fine)").matches) this.prompt.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #onKeydown(event) {
    if (event.key !== "Enter" || event.shiftKey) return;
    if (event.isComposing || event.keyCode === 229) return; // Enter ends an input method's composition
    event.preventDefault();
    this.form.requestSubmit();
  }

  /** @param {SubmitEvent} event */
  async #onSubmit(event) {
    event.preventDefault();
    const prompt = this.prompt.value.trim();
    if (!prompt || runningAnswer(this.store.state)) return;
    this.#write("");
    const taken = await this.actions.send(prompt);
    if (!taken && !this.prompt.value) this.#write(prompt);
  }

  /** @param {Event} event */
  #onExample(event) {
    const example = event.target instanceof Element ? event.target.closest("[data-example]") : null;
    if (!(example instanceof HTMLElement)) return;
    this.#write(example.dataset.example ?? "");
    this.form.requestSubmit();
  }

  /** @param {{state: import("../state/types.js").State, previous: import("../state/types.js").State}} change */
  #onChange({ state, previous }) {
    const [now, before] = [runningAnswer(state), runningAnswer(previous)];
    if (now !== before) this.#show();
    const moved = state.conversationId !== previous.conversationId && !now;
    if (moved || (before && !now && document.activeElement === document.body)) this.focus();
  }

  #show() {
    const answer = runningAnswer(this.store.state);
    const hadFocus = [this.send, this.stop].includes(/** @type {HTMLButtonElement} */ (document.activeElement));
    this.send.hidden = Boolean(answer);
    this.stop.hidden = !answer;
    this.stop.disabled = Boolean(answer?.stopping);
    this.send.disabled = !this.prompt.value.trim();
    if (hadFocus && (document.activeElement === document.body || document.activeElement === null)) this.prompt.focus();
    this.#fit();
  }

  /** Grows with its text where CSS (`field-sizing`) does not do it. */
  #fit() {
    if (CSS.supports("field-sizing", "content")) return;
    this.prompt.style.height = "auto";
    this.prompt.style.height = `${this.prompt.scrollHeight}px`;
  }

  /** @param {string} text */
  #write(text) {
    this.prompt.value = text;
    this.#show();
  }
}
