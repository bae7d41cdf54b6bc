// @ts-check
/**
 * Keeps one stream open for each running answer of the conversation that is shown, and no other: a
 * browser has few connections to one server. At every change of the state it opens and closes what
 * differs.
 */

import { AnswerStream } from "./answer-stream.js";
import { EVENT } from "./events.js";

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */

export class LiveAnswers {
  /** @type {Map<string, AnswerStream>} */ #streams = new Map();

  /** @param {import("../state/store.js").Store} store @param {Pick<typeof import("./api.js").api, "message">} api */
  constructor(store, api) {
    this.store = store;
    this.api = api;
    this.sync = this.sync.bind(this);
  }

  start() {
    this.store.addEventListener("change", this.sync);
    this.sync();
  }

  stop() {
    this.store.removeEventListener("change", this.sync);
    for (const id of [...this.#streams.keys()]) this.#drop(id);
  }

  sync() {
    const running = this.store.state.messages.filter((each) => each.status === "running" && each.events_url);
    const ids = new Set(running.map((each) => each.id));
    for (const id of [...this.#streams.keys()]) if (!ids.has(id)) this.#drop(id);
    for (const answer of running) if (!this.#streams.has(answer.id)) this.#follow(answer);
  }

  /** @param {string} id */
  #drop(id) {
    this.#streams.get(id)?.stop();
    this.#streams.delete(id);
  }

  /** @param {ShownMessage} answer */
  #follow({ id, events_url }) {
    const { store, api } = this;
    const stream = new AnswerStream(/** @type {string} */ (events_url), {
      onEvent: (name, data) => {
        if (name !== EVENT.heartbeat) store.dispatch({ type: "answer-event", id, name, data, at: performance.now() });
      },
      onConnection: (waiting) => setWaiting(store, id, waiting),
      onLoaded: (message) => store.dispatch({ type: "answer-loaded", message }),
      load: () => api.message(id),
    });
    this.#streams.set(id, stream);
    store.dispatch({ type: "answer-followed", id });
    stream.start();
  }
}

/** @param {import("../state/store.js").Store} store @param {string} id @param {boolean} waiting */
function setWaiting(store, id, waiting) {
  const answer = store.state.messages.find((each) => each.id === id);
  if (answer && answer.waiting !== waiting) store.dispatch({ type: "answer-connection", id, waiting });
}
