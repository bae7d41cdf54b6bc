// @ts-check
/** What all views have in common: an element to live in, and listeners that leave with them. */

export class View {
  #listening = new AbortController();

  /** @param {HTMLElement} root  holds the whole chat; a view looks for nothing outside of it */
  constructor(root) {
    this.root = root;
  }

  /**
   * Listens until `stop`.
   * @param {EventTarget} target
   * @param {string} type
   * @param {(event: any) => void} listener
   * @param {AddEventListenerOptions} [options]
   */
  on(target, type, listener, options = {}) {
    target.addEventListener(type, listener, { ...options, signal: this.#listening.signal });
  }

  /** From now on the view reacts to nothing. */
  stop() {
    this.#listening.abort();
    this.#listening = new AbortController();
  }
}
