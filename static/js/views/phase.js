// @ts-check
/** The line under a running answer: what it is at, and for how long. */

import { hook, setText } from "../dom/hooks.js";
import { clock, phaseOf } from "./labels.js";

const TICK_MS = 1000;
/** A shorter wait needs no clock. */
const CLOCK_AFTER_S = 2;

export class PhaseView {
  #phase = "";
  #since = 0;
  /** @type {number|undefined} */ #timer;

  /** @param {HTMLElement} answer */
  constructor(answer) {
    this.node = hook(answer, "pending");
  }

  /** @param {import("../state/types.js").ShownMessage} answer */
  show(answer) {
    const phase = phaseOf(answer);
    this.node.hidden = !phase;
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#since = performance.now();
    setText(hook(this.node, "pending-label"), phase);
    this.#tick();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #tick() {
    clearTimeout(this.#timer);
    const seconds = Math.floor((performance.now() - this.#since) / 1000);
    setText(hook(this.node, "pending-clock"), seconds >= CLOCK_AFTER_S ? clock(seconds) : "");
    if (this.#phase) this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }
}
