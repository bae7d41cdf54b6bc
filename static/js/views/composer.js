// @ts-check
/** The prompt box: it grows, sends with Enter, and its button stops the running answer. */

import { hook, nothingHasFocus } from "../dom/hooks.js";
import { runningAnswer } from "../state/selectors.js";
import { View } from "./view.js";

export class ComposerView extends View {
  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.form = /** @type {HTMLFormElement} */ (hook(root, "composer"));
    this.prompt = /** @type {HTMLTextAreaElement} */ (hook(this.form, "prompt"));
    this.sendButton = /** @type {HTMLButtonElement} */ (hook(this.form, "send"));
    this.stopButton = /** @type {HTMLButtonElement} */ (hook(this.form, "stop"));
  }

  start() {
    this.on(this.form, "submit", (event) => this.#onSubmit(event));
    this.on(this.prompt, "keydown", (event) => this.#onKeydown(event));
    this.on(this.prompt, "input", () => this.#show());
    this.on(this.stopButton, "click", () => this.actions.stop());
    this.on(this.root, "click", (event) => this.#onExample(event));
    this.on(this.store, "change", ({ detail }) => this.#onChange(detail));
    this.#show();
    this.focus();
  }

  /** Not on a touch screen: there a focus would bring up the keyboard. */
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

  /** @param {import("../state/types.js").Change} change */
  #onChange({ state, previous }) {
    const [now, before] = [runningAnswer(state), runningAnswer(previous)];
    if (now !== before) this.#show();
    const moved = state.conversationId !== previous.conversationId && !now;
    if (moved || (before && !now && nothingHasFocus(this.root))) this.focus();
  }

  #show() {
    const answer = runningAnswer(this.store.state);
    const hadFocus = this.sendButton.matches(":focus") || this.stopButton.matches(":focus");
    this.sendButton.hidden = Boolean(answer);
    this.stopButton.hidden = !answer;
    this.stopButton.disabled = Boolean(answer?.stopping);
    this.sendButton.disabled = !this.prompt.value.trim();
    if (hadFocus && nothingHasFocus(this.root)) this.prompt.focus();
    this.#fit();
  }

  /** Grows with its text in browsers whose CSS lacks `field-sizing`. */
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
