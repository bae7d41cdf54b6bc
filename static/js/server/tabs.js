// @ts-check
/**
 * Tells the other tabs of this browser that a conversation has changed. Without BroadcastChannel
 * (in very old browsers) tabs learn of each other's changes when they reload.
 */

import { MOUNT } from "./address.js";

export class Tabs {
  /** @type {BroadcastChannel|null} */ #channel = null;

  /**
   * @param {(conversationId: string) => void} listener  called when another tab tells of a change
   */
  start(listener) {
    if (!("BroadcastChannel" in globalThis)) return;
    this.#channel = new BroadcastChannel(`chatapp${MOUNT}`);
    this.#channel.onmessage = ({ data }) => listener(data.conversationId);
  }

  stop() {
    this.#channel?.close();
    this.#channel = null;
  }

  /** @param {string} conversationId */
  tell(conversationId) {
    this.#channel?.postMessage({ conversationId });
  }
}
