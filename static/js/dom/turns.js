// @ts-check
/** For work that may come in heaps: it is done in its order, and leaves room for what else goes on. */

/** Milliseconds. What a reader does waits for no longer than one turn. */
export const TURN_MS = 8;

export class Turns {
  /** @type {(() => void)[]} */ #waiting = [];
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;
  #until = 0;

  /** @param {() => number} [now] */
  constructor(now = () => performance.now()) {
    this.now = now;
  }

  /** Does it at once, unless this task has taken its turn already, or other work waits. @param {() => void} work */
  add(work) {
    if (this.#timer === undefined) this.#begin();
    if (this.#waiting.length || this.now() > this.#until) this.#waiting.push(work);
    else work();
  }

  /** What waits is not done any more. */
  clear() {
    this.#waiting = [];
  }

  /** If nobody looks, there is nothing to leave room for, and timers come once a second. */
  #begin() {
    this.#until = document.hidden ? Infinity : this.now() + TURN_MS;
    this.#timer = setTimeout(() => this.#next());
  }

  #next() {
    this.#timer = undefined;
    if (!this.#waiting.length) return;
    this.#begin();
    const heap = this.#waiting;
    let done = 0; // to take each from the front of a long array would move all of the others
    try {
      while (heap === this.#waiting && done < heap.length && this.now() <= this.#until) heap[done++]();
    } finally {
      if (heap === this.#waiting) heap.splice(0, done); // else it was cleared; what throws would come again for ever
    }
  }
}
