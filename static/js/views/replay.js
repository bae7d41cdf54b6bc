// @ts-check
/**
 * A finished answer once more, as it came: at its own pace or faster, from any moment on. The server
 * replays the log; what came before the moment comes at once. Loaded when somebody asks for it.
 */

import { element } from "../dom/element.js";
import { hook, setText } from "../dom/hooks.js";
import { t } from "../language.js";
import { at } from "../server/address.js";
import { readEvents } from "../server/event-stream.js";
import { EVENT, isTerminal } from "../server/events.js";
import { applyEvent, forgotten } from "../state/answer.js";
import { seconds } from "./labels.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */

const PACES = [1, 2, 4, 8, 16];
/** For one moment: hardly anything comes after it. The server allows no slower one. */
const STILL = "0.1";
const TICK_MS = 100;
/** In a tick. Before the moment they come in a heap; behind it, at the slowest pace, hardly any do. */
const HEAP = 20;
/** A server that has said nothing for so long has nothing to say of this moment. */
const NOTHING_AFTER_MS = 5000;
/** Between two turns of drawing a lot of text, other things get theirs. */
const TURN_MS = 10;

export class Replay extends View {
  #reading = new AbortController();
  /** @type {ReturnType<typeof setInterval>|undefined} */ #timer;
  /** Seconds into the run, and when that was on this machine's clock. */
  #from = 0;
  #since = 0;
  #playing = false;
  #speed = 1;
  /** Events, in all and in this tick. */
  #came = 0;
  #cameNow = 0;
  /** @type {number|undefined} */ #drawing;

  /**
   * @param {HTMLElement} bar  an empty element below the answer
   * @param {ShownMessage} answer  the finished one
   * @param {(answer: ShownMessage) => boolean} show  returns whether there is more to draw
   * @param {() => void} close
   */
  constructor(bar, answer, show, close) {
    super(bar);
    this.answer = answer;
    this.replayed = answer;
    this.show = show;
    this.close = close;
    this.length = Math.ceil((answer.timing?.total_ms ?? 0) / 100) / 10; // the slider's steps are tenths
  }

  start() {
    this.root.replaceChildren(...controls(this.length));
    this.root.hidden = false;
    this.slider = /** @type {HTMLInputElement} */ (hook(this.root, "replay-position"));
    this.pace = /** @type {HTMLSelectElement} */ (hook(this.root, "replay-pace"));
    this.on(hook(this.root, "replay-play"), "click", () => (this.#playing ? this.#pause() : this.#play()));
    this.on(hook(this.root, "replay-close"), "click", () => this.close());
    this.on(this.slider, "input", () => this.#jump(Number(this.slider?.value)));
    this.on(this.pace, "change", () => this.#playing && this.#jump(this.#position()));
    this.#play();
    hook(this.root, "replay-play").focus();
  }

  stop() {
    super.stop();
    this.#shut();
    clearTimeout(this.#drawing);
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  #play() {
    if (this.#from >= this.length) this.#from = 0;
    this.#open(true);
  }

  #pause() {
    this.#from = this.#position();
    this.#shut();
    this.#tell();
  }

  /** @param {number} to  seconds into the run */
  #jump(to) {
    this.#from = to;
    this.#open(this.#playing);
  }

  /** A paused reader who moves the slider sees that moment. @param {boolean} plays */
  #open(plays) {
    this.#shut();
    this.#playing = plays;
    this.#since = performance.now();
    this.#speed = Number(this.pace?.value);
    this.#came = this.#cameNow = 0;
    this.replayed = { ...forgotten(this.answer), status: "running", finish_reason: null, error: null, watched: false };
    const query = new URLSearchParams({ pace: plays ? String(this.#speed) : STILL, from: this.#from.toFixed(2) });
    this.#listen(at(`/api/v1/messages/${encodeURIComponent(this.answer.id)}/events?${query}`));
  }

  /** @param {string} address */
  async #listen(address) {
    const { signal } = (this.#reading = new AbortController());
    this.#timer = setInterval(() => this.#onTick(), TICK_MS);
    this.#tell();
    try {
      await readEvents(address, signal, (name, data) => this.#onEvent(name, data));
    } finally {
      if (!signal.aborted) this.#end(); // nothing more can be had
    }
  }

  #shut() {
    this.#reading.abort();
    clearInterval(this.#timer);
    this.#playing = false;
  }

  /** @param {string} name @param {string} data */
  #onEvent(name, data) {
    if (name === EVENT.heartbeat) return;
    this.#came += 1;
    this.#cameNow += 1;
    this.replayed = applyEvent(this.replayed, name, JSON.parse(data), performance.now());
    if (isTerminal(name)) this.#end();
  }

  #end() {
    this.#shut();
    this.#from = this.length;
    this.replayed = this.answer;
    this.#draw();
    this.#tell();
  }

  #onTick() {
    this.#draw();
    if (!this.#playing && this.#isThere()) return this.#shut();
    this.#cameNow = 0;
    this.#tell();
  }

  /** Whether all has come that a paused reader wants to see. */
  #isThere() {
    const waited = performance.now() - this.#since;
    return this.#came ? waited > 3 * TICK_MS && this.#cameNow < HEAP : waited > NOTHING_AFTER_MS;
  }

  #draw() {
    clearTimeout(this.#drawing);
    if (this.show(this.replayed)) this.#drawing = setTimeout(() => this.#draw(), TURN_MS);
  }

  #position() {
    const gone = this.#playing ? ((performance.now() - this.#since) / 1000) * this.#speed : 0;
    return Math.min(this.#from + gone, this.length);
  }

  #tell() {
    const moment = this.#position();
    if (this.slider && !this.slider.matches(":focus")) this.slider.value = String(moment);
    const words = t("{moment} of {length}", { moment: seconds(moment * 1000), length: seconds(this.length * 1000) });
    setText(hook(this.root, "replay-words"), words);
    this.slider?.setAttribute("aria-valuetext", words);
    setText(hook(this.root, "replay-play"), this.#playing ? t("Pause") : t("Play"));
  }
}

/** @param {number} length  seconds @returns {HTMLElement[]} */
function controls(length) {
  const slider = element("input", {
    type: "range", min: "0", max: String(length), step: "0.1", value: "0", "aria-label": t("Moment of the replay"), "data-replay-position": "",
  });
  const paces = PACES.map((each) => new Option(`${each}×`, String(each)));
  return [
    element("button", { type: "button", class: "quiet", "data-replay-play": "" }, t("Pause")),
    slider,
    element("span", { class: "meta", "data-replay-words": "" }),
    element("select", { class: "picker", "aria-label": t("Pace of the replay"), "data-replay-pace": "" }, ...paces),
    element("button", { type: "button", class: "quiet", "data-replay-close": "" }, t("Close")),
  ];
}
