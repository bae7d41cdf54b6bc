// @ts-check
/**
 * The running answers of this tab, over the one connection that all tabs of a browser share: over
 * HTTP/1.1 a browser has six for one server, so a stream for each tab would keep a seventh from
 * loading. The tab that holds a Web Lock leads: it has the stream, and passes on what comes by
 * BroadcastChannel. If it goes, the lock passes to another tab; a tab that comes into view takes it,
 * since a browser may freeze those that are out of it.
 *
 * A leader keeps no events. If a tab joins late, the stream is opened again from where that tab is,
 * and the others drop what they have.
 *
 * Browsers without locks (on plain HTTP there are none) have a stream in each tab that is in view.
 */

import { t } from "../language.js";
import { MOUNT } from "./address.js";
import { EVENT, isTerminal } from "./events.js";
import { MergedStream } from "./merged-stream.js";

/** @typedef {import("../state/types.js").Message} Message */
/** @typedef {import("./merged-stream.js").Place} Place */
/** @typedef {import("./merged-stream.js").AnswerEvent} AnswerEvent */

/**
 * @typedef {object} FeedListener
 * @property {(name: string, data: any) => void} onEvent
 * @property {(waiting: boolean) => void} onConnection  true when the reader should be told of the wait
 * @property {(message: Message) => void} onLoaded      the answer has ended, and this is all of it
 * @property {() => Promise<Message>} load              asks the server for the answer as it is now
 */

/** For each server, as an origin may have several below its paths. */
const NAME = `chatapp.answers${MOUNT}`;
/** A reader is not told of shorter gaps. */
const WAITING_AFTER_MS = 1200;
const LONGEST_PAUSE_MS = 15_000;

export class Feed {
  /** @type {Map<string, Place & {listener: FeedListener}>} */ #followed = new Map();
  /** @type {BroadcastChannel|null} */ #channel = null;
  /** @type {AbortController|null} */ #candidacy = null;
  #resign = () => {};
  /** @type {Set<string>} */ #foreign = new Set();
  #leads = false;
  #failures = 0;
  /** @type {number|undefined} */ #waitingTimer;
  /** @type {number|undefined} */ #reopenTimer;

  /** @param {boolean} [shares]  whether with other tabs; the page of a link has what is not theirs */
  constructor(shares = true) {
    this.isShared = shares && "locks" in navigator && "BroadcastChannel" in globalThis;
    this.stream = new MergedStream({
      onEvent: (event) => this.#pass(event),
      onConnection: (connected) => this.#share({ connected }),
      onBroken: () => this.#onBroken(),
    });
    this.onVisibility = this.onVisibility.bind(this);
  }

  start() {
    document.addEventListener("visibilitychange", this.onVisibility);
    if (!this.isShared) return;
    this.#channel = new BroadcastChannel(NAME);
    this.#channel.onmessage = ({ data }) => this.#onMessage(data);
  }

  stop() {
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.#followed.clear();
    this.#lose();
    this.#channel?.close();
    this.#channel = null;
    clearTimeout(this.#waitingTimer);
  }

  /** From the start of its log. @param {string} id @param {string} url @param {FeedListener} listener */
  follow(id, url, listener) {
    this.#followed.set(id, { url, after: 0, listener });
    this.#want();
    if (!this.isShared) this.onVisibility();
    else if (!this.#candidacy) this.#lead();
  }

  /** @param {string} id */
  drop(id) {
    if (!this.#followed.delete(id) || !this.#leads) return;
    this.stream.forget(id);
    this.#channel?.postMessage({ asks: true }); // another tab may want it still
  }

  /** Opens the stream anew, from where it is. */
  wake() {
    this.#failures = 0;
    if (this.#leads && !this.stream.restart()) this.#check();
  }

  onVisibility() {
    const isSeen = document.visibilityState === "visible";
    if (!this.isShared) {
      this.#leads = isSeen;
      return isSeen ? this.#want() : this.stream.close();
    }
    if (isSeen && !this.#leads && this.#followed.size) this.#lead(true);
  }

  /** Leads once the lock is free, or at once if it is taken from another tab. @param {boolean} [steal] */
  #lead(steal = false) {
    this.#candidacy?.abort();
    const { signal } = (this.#candidacy = new AbortController());
    const held = () => (signal.aborted ? undefined : new Promise((resolve) => this.#begin(() => resolve(undefined))));
    navigator.locks.request(NAME, steal ? { steal } : { signal }, held).catch(() => signal.aborted || this.#onStolen());
  }

  /** @param {() => void} resign */
  #begin(resign) {
    this.#resign = resign;
    this.#leads = true;
    this.#channel?.postMessage({ asks: true });
    this.#want();
  }

  /** Another tab came into view. It may go again, so this one stands in line. */
  #onStolen() {
    this.#lose();
    if (this.#channel && this.#followed.size) this.#lead();
  }

  #lose() {
    this.#leads = false;
    this.#foreign.clear();
    this.stream.close();
    clearTimeout(this.#reopenTimer);
    this.#candidacy?.abort();
    this.#candidacy = null;
    this.#resign();
  }

  /** Tells whoever leads what this tab follows, and from where. */
  #want() {
    const wanted = [...this.#followed].map(([id, { url, after }]) => /** @type {const} */ ([id, { url, after }]));
    if (!wanted.length) return;
    if (this.#leads) this.stream.follow(new Map(wanted));
    else this.#channel?.postMessage({ wanted });
  }

  /** Other tabs are told of what they follow alone: a message for each token costs time. @param {AnswerEvent} event */
  #pass(event) {
    if (this.#foreign.has(event.id)) this.#channel?.postMessage({ event });
    if (isTerminal(event.name)) this.#foreign.delete(event.id);
    this.#onEvent(event);
  }

  /** @param {object} message */
  #share(message) {
    this.#channel?.postMessage(message);
    this.#onMessage(message);
  }

  /**
   * @param {{event?: AnswerEvent, connected?: boolean, wanted?: [string, Place][], asks?: boolean, checks?: boolean}} message
   */
  #onMessage({ event, connected, wanted, asks, checks }) {
    if (event) this.#onEvent(event);
    if (connected !== undefined) this.#onConnection(connected);
    if (wanted && this.#leads) this.#serve(wanted);
    if (asks && !this.#leads) this.#want();
    if (checks) this.#check();
  }

  /** @param {[string, Place][]} wanted  by another tab */
  #serve(wanted) {
    for (const [id] of wanted) this.#foreign.add(id);
    this.stream.follow(new Map(wanted));
  }

  /** @param {AnswerEvent} event */
  #onEvent({ id, name, data, seq }) {
    const followed = this.#followed.get(id);
    if (!followed) return;
    const isKnown = seq !== null && seq <= followed.after;
    const startsAnew = name === EVENT.reset && (seq === null || seq === followed.after);
    if (isKnown && !startsAnew) return; // it came for another tab
    followed.after = startsAnew ? 0 : seq ?? followed.after;
    if (isTerminal(name)) this.#followed.delete(id);
    followed.listener.onEvent(name, data);
  }

  /** @param {boolean} connected */
  #onConnection(connected) {
    if (connected) {
      clearTimeout(this.#waitingTimer);
      this.#waitingTimer = undefined;
      this.#failures = 0;
      for (const { listener } of this.#followed.values()) listener.onConnection(false);
    } else this.#waitingTimer ??= setTimeout(() => this.#tellOfWait(), WAITING_AFTER_MS);
  }

  #tellOfWait() {
    this.#waitingTimer = undefined;
    for (const { listener } of this.#followed.values()) listener.onConnection(true);
  }

  /** Each tab asks for its own answers; then what still runs is followed again. */
  #onBroken() {
    this.#share({ connected: false, checks: true });
  }

  async #check() {
    await Promise.all([...this.#followed].map(([id, { listener }]) => this.#look(id, listener)));
    clearTimeout(this.#reopenTimer);
    this.#reopenTimer = setTimeout(() => this.#want(), this.#pause());
  }

  /** @param {string} id @param {FeedListener} listener */
  async #look(id, listener) {
    try {
      const message = await listener.load();
      if (message.status !== "done" || !this.#followed.delete(id)) return;
      listener.onLoaded(message);
    } catch (error) {
      if (!isGone(error) || !this.#followed.delete(id)) return;
      const message = t("This answer is no longer on the server.");
      listener.onEvent(EVENT.error, { code: "not_found", message, retryable: false, trace_id: null });
    }
  }

  /**
   * Milliseconds. They double with each failure; the jitter keeps clients from all coming back at
   * once.
   */
  #pause() {
    const base = Math.min(500 * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    return base * (0.5 + Math.random() / 2);
  }
}

/** @param {unknown} error */
function isGone(error) {
  return error instanceof Object && "status" in error && error.status === 404;
}
