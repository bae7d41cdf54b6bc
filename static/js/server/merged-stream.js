// @ts-check
/**
 * The events of several answers over one connection: an EventSource that can be given more answers,
 * and that notices what the browser does not: that it gave up, or that the connection has gone
 * silent. What is missing then, its listener finds out; `follow` opens it again.
 *
 * An EventSource calls two things "error": the server's event of that name (a MessageEvent with
 * data) and a lost connection (a plain Event). `#onError` tells them apart.
 */

import { Turns } from "../dom/turns.js";
import { needsTicket, ticketed } from "./access.js";
import { at, IS_FOREIGN } from "./address.js";
import { EVENT, isTerminal } from "./events.js";

/** Without `error`, which needs a listener of its own. */
const NAMES = Object.values(EVENT).filter((name) => name !== EVENT.error);
/**
 * Heartbeats come every 15 s by default. If several are missing, the connection is dead, even if
 * the browser has not noticed.
 */
const SILENT_AFTER_MS = 70_000;
/** As many as the server follows in one stream by default; others wait until one of these ends. */
const MOST = 32;

/**
 * @typedef {{url: string, after: number}} Place  an answer's own stream, and the last event that came
 * @typedef {{id: string, name: string, data: any, seq: number|null}} AnswerEvent  seq: null if it has none
 *
 * @typedef {object} MergedListener
 * @property {(event: AnswerEvent) => void} onEvent
 * @property {(connected: boolean) => void} onConnection
 * @property {() => void} onBroken  the stream is closed, and some answers may have ended, or be gone
 */

export class MergedStream {
  /** @type {EventSource|null} */ #source = null;
  /** @type {Map<string, Place>} */ #places = new Map();
  /** @type {Set<string>} the answers that the open connection brings */ #brought = new Set();
  #turn = 0;
  /** The browser gives all that has come in one task: after a reload, thousands of events. */
  #turns = new Turns();
  #connected = false;
  #lastSound = 0;
  /** @type {number|undefined} */ #silenceTimer;

  /** @param {MergedListener} listener */
  constructor(listener) {
    this.listener = listener;
  }

  /**
   * Opens the stream if it does not bring these already: answers, and what follows in each.
   * @param {Map<string, Place>} wanted
   */
  follow(wanted) {
    const isThere = [...wanted].every(([id, { after }]) => (this.#places.get(id)?.after ?? Infinity) <= after);
    if (this.#source && isThere) return;
    for (const [id, place] of wanted) {
      const after = Math.min(this.#places.get(id)?.after ?? Infinity, place.after);
      this.#places.set(id, { ...place, after });
    }
    this.#open();
  }

  /** @param {string} id  of an answer that is no longer wanted, or has ended */
  forget(id) {
    this.#places.delete(id);
    this.#brought.delete(id);
    if (!this.#brought.size && this.#source) this.#open();
  }

  /** @returns {boolean} false if it is not open */
  restart() {
    if (!this.#source) return false;
    this.#open();
    return true;
  }

  close() {
    this.#shut();
    this.#places.clear();
  }

  #shut() {
    this.#turn += 1;
    this.#turns.clear(); // it is asked for again, from what was heard
    this.#source?.close();
    this.#source = null;
    this.#connected = false;
    clearTimeout(this.#silenceTimer);
  }

  #open() {
    this.#shut();
    if (!this.#places.size) return;
    const places = together([...this.#places]);
    this.#brought = new Set(places.map(([id]) => id));
    const address = addressOf(places);
    if (needsTicket()) this.#openByTicket(address);
    else this.#listen(address);
  }

  /** @param {string} address */
  async #openByTicket(address) {
    const turn = (this.#turn += 1);
    try {
      const ready = await ticketed(address);
      if (turn === this.#turn) this.#listen(ready);
    } catch {
      if (turn === this.#turn) this.#break(); // as if the connection had been lost
    }
  }

  /** @param {string} address */
  #listen(address) {
    const source = new EventSource(address, { withCredentials: IS_FOREIGN });
    this.#source = source;
    source.onopen = () => this.#onSound();
    source.addEventListener(EVENT.error, (event) => this.#onError(event));
    for (const name of NAMES) source.addEventListener(name, (event) => this.#onFrame(name, event));
    this.#lastSound = performance.now();
    this.#expectSound();
  }

  /** @param {string} name @param {MessageEvent} event */
  #onFrame(name, event) {
    this.#onSound();
    if (name !== EVENT.heartbeat) this.#turns.add(() => this.#onEvent(name, event));
  }

  /** @param {string} name @param {MessageEvent} event */
  #onEvent(name, { lastEventId, data }) {
    const { message_id: id = [...this.#brought][0], ...fields } = JSON.parse(data);
    const seq = Number.parseInt(lastEventId, 10); // "12", or "12@msg_a,7@msg_b" for an event of msg_a
    const place = this.#places.get(id);
    if (!place) return;
    if (seq) place.after = seq;
    if (isTerminal(name)) this.forget(id);
    this.listener.onEvent({ id, name, data: fields, seq: seq || null });
  }

  /** @param {Event} event */
  #onError(event) {
    if (event instanceof MessageEvent) return this.#onFrame(EVENT.error, event);
    this.#connected = false;
    this.listener.onConnection(false);
    if (this.#source?.readyState === EventSource.CLOSED) this.#break();
  }

  #onSound() {
    this.#lastSound = performance.now();
    if (this.#connected) return;
    this.#connected = true;
    this.listener.onConnection(true);
  }

  #expectSound(pause = SILENT_AFTER_MS) {
    this.#silenceTimer = setTimeout(() => {
      const left = this.#lastSound + SILENT_AFTER_MS - performance.now();
      if (left > 0) this.#expectSound(left);
      else this.#break();
    }, pause);
  }

  #break() {
    this.close();
    this.listener.onBroken();
  }
}

/**
 * Those that one connection can bring. Answers behind a link to share have only their own streams.
 * @param {[string, Place][]} places
 */
function together(places) {
  const ours = places.filter(([, { url }]) => url.startsWith(at("/api/v1/messages/")));
  return (ours.length ? ours : places.slice(0, 1)).slice(0, MOST);
}

/**
 * One answer has a stream of its own; several have one together, with a cursor that names each.
 * @param {[string, Place][]} places
 */
function addressOf(places) {
  const begun = places.filter(([, { after }]) => after > 0);
  const cursor = places.length === 1 ? String(places[0][1].after) : begun.map(([id, { after }]) => `${after}@${id}`).join(",");
  const query = begun.length ? `after=${encodeURIComponent(cursor)}` : "";
  if (places.length === 1) return joined(places[0][1].url, query);
  return joined(`${at("/api/v1/events")}?${places.map(([id]) => `message=${encodeURIComponent(id)}`).join("&")}`, query);
}

/** @param {string} url @param {string} query */
function joined(url, query) {
  return query ? `${url}${url.includes("?") ? "&" : "?"}${query}` : url;
}
