// @ts-check
/**
 * Tells the other tabs of this browser that a conversation has changed, and what became of a
 * question that waited for the connection: it was sent, or taken back. Without BroadcastChannel (in
 * very old browsers) tabs learn of each other's changes when they reload.
 */

import { tabName } from "../dom/storage.js";
import { MOUNT } from "./address.js";

/**
 * @typedef {object} TabsListener
 * @property {(conversationId: string, sent?: string) => void} onChanged  sent: the key of a question that is there now
 * @property {(key: string) => void} onWithdrawn
 */

export class Tabs {
  /** @type {BroadcastChannel|null} */ #channel = null;
  /** That of this tab. */
  name = tabName();

  /** @param {TabsListener} listener */
  start({ onChanged, onWithdrawn }) {
    if (!("BroadcastChannel" in globalThis)) return;
    this.#channel = new BroadcastChannel(`chatapp${MOUNT}`);
    this.#channel.onmessage = ({ data: { conversationId, sent, withdrawn } }) => {
      if (withdrawn) onWithdrawn(withdrawn);
      else onChanged(conversationId, sent);
    };
  }

  stop() {
    this.#channel?.close();
    this.#channel = null;
  }

  /** @param {string} conversationId @param {string} [sent] */
  tell(conversationId, sent) {
    this.#channel?.postMessage({ conversationId, sent });
  }

  /** @param {string} key  of the question */
  tellWithdrawn(key) {
    this.#channel?.postMessage({ withdrawn: key });
  }
}
