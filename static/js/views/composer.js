// @ts-check
/**
 * The prompt box: it grows, sends with Enter, and its button stops the running answer. What is sent
 * meanwhile waits in a list until the answer is done. Each conversation has a draft of its own,
 * which outlives a reload. The empty page with its examples is there until something is asked.
 */

import { announce, hook, isComposing, isTouched, nothingHasFocus } from "../dom/hooks.js";
import { t } from "../language.js";
import { endedWell, misfit, runningAnswer } from "../state/selectors.js";
import { draftOf, filesOf, keepDraft, keepFiles } from "./drafts.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").Queued} Queued */
/** @typedef {import("../state/types.js").Attached} Attached */

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
    this.on(this.prompt, "input", () => this.#write(this.prompt.value));
    this.on(this.stopButton, "click", () => this.actions.stop());
    this.on(this.root, "click", (event) => this.#onExample(event));
    this.on(this.root, "keydown", (event) => this.#onEscape(event));
    this.on(this.store, "change", ({ detail }) => this.#onChange(detail));
    if (isTouched()) this.prompt.enterKeyHint = "enter";
    const { conversationId, messages } = this.store.state;
    this.root.toggleAttribute("data-empty", messages.length === 0);
    const files = filesOf(conversationId);
    this.#write(this.prompt.value || draftOf(conversationId));
    this.#attach(files);
    this.focus();
  }

  /** Not on a touch screen, where a focus would bring up the keyboard, and never from the page around. */
  focus() {
    if (!isTouched() && !isElsewhere(this.root)) this.prompt.focus({ preventScroll: true });
  }

  /**
   * A keyboard on glass has no Shift+Enter, so its Enter begins a line, and the button sends.
   * @param {KeyboardEvent} event
   */
  #onKeydown(event) {
    if (event.key !== "Enter" || event.shiftKey) return;
    if (isComposing(event)) return; // Enter ends an input method's composition
    if (isTouched() && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  /** What is open closes first, by listeners of its own, which have prevented the default. @param {KeyboardEvent} event */
  #onEscape(event) {
    if (event.key !== "Escape" || event.defaultPrevented || isComposing(event)) return;
    const isOpen = this.root.matches("[data-drawer-shown]") || this.root.querySelector("dialog[open]");
    if (!isOpen && runningAnswer(this.store.state)) this.actions.stop();
  }

  /** A question that could not be sent comes back. @param {NonNullable<import("../state/types.js").State["returned"]>} returned */
  #takeBack({ conversationId, prompt, files }) {
    const isHere = conversationId === this.store.state.conversationId;
    const text = [prompt, isHere ? this.prompt.value : draftOf(conversationId)].filter(Boolean).join("\n\n");
    if (!isHere) {
      keepDraft(conversationId, text);
      return keepFiles(conversationId, [...files, ...filesOf(conversationId)]);
    }
    this.#write(text);
    this.#attach([...files, ...this.store.state.attached]);
  }

  /** @param {SubmitEvent} event */
  async #onSubmit(event) {
    event.preventDefault();
    const prompt = this.prompt.value.trim();
    const files = this.store.state.attached;
    if (this.sendButton.disabled) return;
    this.#write("");
    this.#attach([]);
    if (!runningAnswer(this.store.state)) return this.#send({ prompt, files });
    this.store.dispatch({ type: "prompt-queued", prompt, files });
    announce(this.root, t("It is sent when the answer is done."));
  }

  /** What the server refuses comes back, if nothing else has been written. @param {Queued} asked */
  async #send({ prompt, files }) {
    const { conversationId } = this.store.state;
    if (await this.actions.send(prompt, files)) return;
    if (conversationId !== this.store.state.conversationId) {
      keepDraft(conversationId, prompt);
      keepFiles(conversationId, files);
    } else {
      if (!this.prompt.value) this.#write(prompt);
      this.#attach([...files, ...this.store.state.attached]);
    }
  }

  /** What was being written stays where it is. @param {Event} event */
  #onExample(event) {
    const example = event.target instanceof Element ? event.target.closest("[data-example]") : null;
    if (runningAnswer(this.store.state)) return; // it has been asked
    if (example instanceof HTMLElement) this.#send({ prompt: example.dataset.example ?? "", files: [] });
  }

  /** @param {import("../state/types.js").Change} change */
  #onChange({ state, previous }) {
    const [now, before] = [runningAnswer(state), runningAnswer(previous)];
    if (state.returned && state.returned !== previous.returned) this.#takeBack(state.returned);
    this.root.toggleAttribute("data-empty", state.messages.length === 0);
    const moved = state.conversationId !== previous.conversationId;
    if (moved) this.#move(state, previous);
    if ((state.attached !== previous.attached || state.queued !== previous.queued) && !moved) this.#keep();
    const fits = state.attached === previous.attached && misfit(state) === misfit(previous);
    if (!fits || now?.key !== before?.key || now?.stopping !== before?.stopping) this.#show();
    if (before && !now && !moved) this.#goOn(state, before.key);
    if ((moved && !now) || (before && !now && nothingHasFocus(this.root))) this.focus();
  }

  /**
   * A new chat that the server has accepted is the same chat under another name. Another one has
   * its own draft; what waited in the list stays behind as this one's.
   * @param {import("../state/types.js").State} state
   * @param {import("../state/types.js").State} previous
   */
  #move(state, previous) {
    const isStillEmpty = previous.conversationId === null && state.messages.length === 0;
    const isSame = isStillEmpty || state.messages.some(({ key }) => previous.messages.some((each) => each.key === key));
    const text = isSame ? this.prompt.value : draftOf(state.conversationId);
    const files = isSame ? previous.attached : filesOf(state.conversationId);
    const left = isSame ? { prompt: "", files: [] } : joined(previous.queued, this.prompt.value, previous.attached);
    if (isSame || previous.queued.length) {
      keepDraft(previous.conversationId, left.prompt);
      keepFiles(previous.conversationId, left.files);
    }
    this.#write(text);
    this.#attach(files);
  }

  /**
   * Sends the next prompt of the list; after a failure, or a Stop, a reader decides anew.
   * @param {import("../state/types.js").State} state
   * @param {string} key  of the answer that was being written
   */
  #goOn({ queued, messages }, key) {
    if (!queued.length) return;
    const answer = messages.find((each) => each.key === key);
    const goes = answer !== undefined && endedWell(answer);
    this.store.dispatch({ type: "queue-set", queued: goes ? queued.slice(1) : [] });
    if (goes) this.#send(queued[0]);
    else {
      const { prompt, files } = joined(queued, this.prompt.value, this.store.state.attached);
      this.#write(prompt);
      this.#attach(files);
    }
  }

  #show() {
    const answer = runningAnswer(this.store.state);
    const hadFocus = this.sendButton.matches(":focus") || this.stopButton.matches(":focus");
    const { attached } = this.store.state;
    const writes = this.prompt.value.trim() !== "" || attached.length > 0;
    this.stopButton.hidden = !answer;
    this.stopButton.disabled = Boolean(answer?.stopping);
    this.sendButton.hidden = Boolean(answer) && !writes;
    this.sendButton.disabled = !writes || attached.some(({ id }) => !id) || misfit(this.store.state) !== null;
    this.sendButton.setAttribute("aria-label", answer ? t("Send when the answer is done") : t("Send"));
    if (hadFocus && nothingHasFocus(this.root)) this.prompt.focus();
    this.#fit();
  }

  /** Grows with its text in browsers whose CSS lacks `field-sizing`. */
  #fit() {
    if (CSS.supports("field-sizing", "content")) return;
    this.prompt.style.height = "auto";
    this.prompt.style.height = `${this.prompt.scrollHeight}px`;
  }

  /** @param {Attached[]} attached */
  #attach(attached) {
    if (attached.length || this.store.state.attached.length) this.store.dispatch({ type: "attached-set", attached });
  }

  /** @param {string} text */
  #write(text) {
    if (this.prompt.value !== text) this.prompt.value = text; // setting it would move the caret
    this.#keep();
    this.#show();
  }

  /** What is written outlives a reload, also what waits in the list: its reader then decides anew. */
  #keep() {
    const { conversationId, queued, attached } = this.store.state;
    const { prompt, files } = joined(queued, this.prompt.value, attached);
    keepDraft(conversationId, prompt);
    keepFiles(conversationId, files);
  }
}

/** Whether the chat is part of a page, and the focus is not in it. @param {HTMLElement} root */
function isElsewhere(root) {
  const place = root.getRootNode();
  return place instanceof ShadowRoot && !place.activeElement;
}

/**
 * All that waits and the draft behind it, as one draft.
 * @param {Queued[]} queued
 * @param {string} text
 * @param {Attached[]} attached
 * @returns {Queued}
 */
function joined(queued, text, attached) {
  const prompt = [...queued.map((each) => each.prompt), text].filter(Boolean).join("\n\n");
  return { prompt, files: [...queued.flatMap(({ files }) => files), ...attached] };
}
