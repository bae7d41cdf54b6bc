// @ts-check
/**
 * Follows each running answer of the conversation that is shown, and no other. At every change of
 * the state it begins and ends what differs.
 */

import { resolved } from "./address.js";
import { EVENT } from "./events.js";
import { Feed } from "./feed.js";

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */

export class LiveAnswers {
  /** @type {Set<string>} */ #followed = new Set();

  /**
   * @param {import("../state/store.js").Store} store
   * @param {Pick<typeof import("./api.js").api, "message">} api
   * @param {boolean} [shares]  one connection with the other tabs
   */
  constructor(store, api, shares = true) {
    this.store = store;
    this.api = api;
    this.feed = new Feed(shares);
    this.sync = this.sync.bind(this);
  }

  start() {
    this.feed.start();
    this.store.addEventListener("change", this.sync);
    this.sync();
  }

  stop() {
    this.store.removeEventListener("change", this.sync);
    this.#followed.clear();
    this.feed.stop();
  }

  /** The connection may be dead without knowing it: takes it up anew. */
  wake() {
    this.feed.wake();
  }

  sync() {
    const running = this.store.state.messages.filter((each) => each.status === "running" && each.events_url);
    const ids = new Set(running.map((each) => each.id));
    for (const id of this.#followed) if (!ids.has(id)) this.#drop(id);
    for (const answer of running) if (!this.#followed.has(answer.id)) this.#follow(answer);
  }

  /** @param {string} id */
  #drop(id) {
    this.feed.drop(id);
    this.#followed.delete(id);
  }

  /** @param {ShownMessage} answer */
  #follow({ id, events_url }) {
    const { store, api } = this;
    this.#followed.add(id);
    store.dispatch({ type: "answer-followed", id });
    this.feed.follow(id, resolved(/** @type {string} */ (events_url)), {
      onEvent: (name, data) => store.dispatch({ type: "answer-event", id, name, data, at: performance.now() }),
      onConnection: (waiting) => setWaiting(store, id, waiting),
      onLoaded: (message) => store.dispatch({ type: "answer-loaded", message }),
      load: () => api.message(id),
    });
  }
}

/** @param {import("../state/store.js").Store} store @param {string} id @param {boolean} waiting */
function setWaiting(store, id, waiting) {
  const answer = store.state.messages.find((each) => each.id === id);
  if (answer && answer.waiting !== waiting) store.dispatch({ type: "answer-connection", id, waiting });
}
