// @ts-check
/**
 * One answer's events, from the start of its log to the last one: an EventSource with a start and a
 * stop. The browser reconnects and resumes by itself. This class does what the browser does not: it
 * notices that the browser gave up, or that the connection has gone silent; it asks the server for
 * the answer; and if the answer still runs, it opens a new connection after the last event that
 * came.
 *
 * An EventSource calls two things "error": the server's event of that name (a MessageEvent with
 * data) and a lost connection (a plain Event). `#onError` tells them apart.
 */

import { EVENT, isTerminal } from "./events.js";

/** @typedef {import("../state/types.js").Message} Message */

/** Without `error`, which needs a listener of its own. */
const NAMES = Object.values(EVENT).filter((name) => name !== EVENT.error);
/** A reader is not told of shorter gaps. */
const WAITING_AFTER_MS = 1200;
/**
 * Heartbeats come every 15 s by default. If several are missing, the connection is dead, even if
 * the browser has not noticed.
 */
const SILENT_AFTER_MS = 70_000;
const LONGEST_PAUSE_MS = 15_000;

/**
 * @typedef {object} StreamListener
 * @property {(name: string, data: any) => void} onEvent
 * @property {(waiting: boolean) => void} onConnection  true when the reader should be told of the wait
 * @property {(message: Message) => void} onLoaded      the answer has ended, and this is all of it
 * @property {() => Promise<Message>} load              asks the server for the answer as it is now
 */

export class AnswerStream {
  /** @type {EventSource|null} */ #source = null;
  #lastEventId = "";
  #failures = 0;
  #stopped = false;
  /** @type {number|undefined} */ #waitingTimer;
  /** @type {number|undefined} */ #silenceTimer;
  /** @type {number|undefined} */ #reopenTimer;

  /** @param {string} url @param {StreamListener} listener */
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
  }

  start() {
    const source = new EventSource(this.#resumeUrl());
    this.#source = source;
    source.onopen = () => this.#onOpen();
    source.addEventListener(EVENT.error, (event) => this.#onError(event));
    for (const name of NAMES) {
      source.addEventListener(name, (event) => this.#onEvent(name, /** @type {MessageEvent} */ (event)));
    }
    this.#expectSound();
  }

  stop() {
    this.#stopped = true;
    this.#close();
  }

  #resumeUrl() {
    if (!this.#lastEventId) return this.url;
    return `${this.url}${this.url.includes("?") ? "&" : "?"}after=${encodeURIComponent(this.#lastEventId)}`;
  }

  #onOpen() {
    this.#failures = 0;
    this.#connected();
  }

  /** @param {string} name @param {MessageEvent} event */
  #onEvent(name, event) {
    if (event.lastEventId) this.#lastEventId = event.lastEventId;
    this.#connected();
    if (isTerminal(name)) this.stop();
    this.listener.onEvent(name, JSON.parse(event.data));
  }

  /** @param {Event} event */
  #onError(event) {
    if (event instanceof MessageEvent) return this.#onEvent(EVENT.error, event);
    this.#waitingTimer ??= setTimeout(() => this.listener.onConnection(true), WAITING_AFTER_MS);
    if (this.#source?.readyState === EventSource.CLOSED) this.#recover();
  }

  #connected() {
    clearTimeout(this.#waitingTimer);
    this.#waitingTimer = undefined;
    this.listener.onConnection(false);
    this.#expectSound();
  }

  #expectSound() {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#recover(), SILENT_AFTER_MS);
  }

  async #recover() {
    this.#close();
    try {
      const message = await this.listener.load();
      if (this.#stopped) return;
      if (message.status === "done") return this.#finish(message);
    } catch (error) {
      if (this.#stopped) return;
      if (isGone(error)) return this.#giveUp();
    }
    this.#reopenTimer = setTimeout(() => this.start(), this.#pause());
  }

  /** @param {Message} message */
  #finish(message) {
    this.stop();
    this.listener.onLoaded(message);
  }

  #giveUp() {
    this.stop();
    const message = "This answer is no longer on the server.";
    this.listener.onEvent(EVENT.error, { code: "not_found", message, retryable: false, trace_id: null });
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

  #close() {
    this.#source?.close();
    clearTimeout(this.#silenceTimer);
    clearTimeout(this.#reopenTimer);
    if (!this.#stopped) return;
    clearTimeout(this.#waitingTimer);
    this.#waitingTimer = undefined;
  }
}

/** @param {unknown} error */
function isGone(error) {
  return error instanceof Object && "status" in error && error.status === 404;
}
