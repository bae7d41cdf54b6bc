// @ts-check
/**
 * A banner while the network or the server is away. Meanwhile the server is looked for; once it is
 * back, what waits is sent, and running answers go on. A machine that wakes up does the same at
 * once: its connections look alive, and are not.
 */

import { hook, setText } from "../dom/hooks.js";
import { t, tn } from "../language.js";
import { View } from "./view.js";

const WORDS = {
  "": "",
  offline: t("You are offline. What you ask is sent when you are back."),
  away: t("The server cannot be reached. What you ask is sent when it is back."),
};
const LONGEST_PAUSE_MS = 15_000;
const TICK_MS = 5000;
/** Timers of a page out of view may be held back for a minute. */
const SLEPT_MS = 90_000;

export class ConnectionView extends View {
  #pause = 1000;
  /** @type {number|undefined} */ #timer;
  /** @type {number|undefined} */ #clock;

  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   * @param {import("../server/live-answers.js").LiveAnswers} liveAnswers
   */
  constructor(root, store, actions, liveAnswers) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.liveAnswers = liveAnswers;
    this.node = hook(root, "away");
  }

  start() {
    this.on(window, "offline", () => this.#set("offline"));
    this.on(window, "online", () => this.#look());
    this.on(hook(this.node, "away-now"), "click", () => this.#look());
    this.on(this.store, "change", ({ detail }) => this.#onChange(detail));
    let last = Date.now();
    this.#clock = setInterval(() => {
      if (Date.now() - last > SLEPT_MS) this.liveAnswers.wake();
      last = Date.now();
    }, TICK_MS);
    this.#show();
    this.actions.showUnsent();
    if (!navigator.onLine) this.#set("offline");
    else this.actions.onStarted();
  }

  stop() {
    super.stop();
    clearTimeout(this.#timer);
    clearInterval(this.#clock);
  }

  /** @param {import("../state/types.js").Change} change */
  #onChange({ state, previous }) {
    const lost = state.messages.some(({ waiting }) => waiting) && !previous.messages.some(({ waiting }) => waiting);
    if (lost && !state.connection) this.#look();
    if (state.connection && state.messages !== previous.messages) this.#say(state.connection);
    if (state.connection !== previous.connection) this.#show();
    if (state.connection && !previous.connection) this.#lookLater();
  }

  #show() {
    const { connection } = this.store.state;
    this.node.hidden = !connection;
    this.#say(connection);
  }

  /** @param {""|"offline"|"away"} connection */
  #say(connection) {
    const others = connection ? this.actions.countOtherUnsent() : 0;
    const waits = others ? tn("{count} question asked elsewhere waits, too.", "{count} questions asked elsewhere wait, too.", others) : "";
    setText(hook(this.node, "away-words"), [WORDS[connection], waits].filter(Boolean).join(" "));
  }

  /** @param {""|"offline"|"away"} connection */
  #set(connection) {
    this.store.dispatch({ type: "connection-changed", connection });
  }

  async #look() {
    clearTimeout(this.#timer);
    if (!(await this.actions.isThere())) {
      this.#set(navigator.onLine ? "away" : "offline");
      return this.#lookLater();
    }
    this.#pause = 1000;
    const wasAway = this.store.state.connection !== "";
    this.#set("");
    if (!wasAway) return;
    this.liveAnswers.wake();
    this.actions.onConnected();
  }

  #lookLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), this.#pause * (0.5 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}
