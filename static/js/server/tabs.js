// @ts-check
/**
 * A word between the tabs of one browser: "this conversation has changed". What a tab does about it is its own
 * business. Without BroadcastChannel (very old browsers) tabs learn of each other at their next reload.
 */

export class Tabs {
  #channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("chatapp") : null;

  /** @param {string} conversationId */
  tell(conversationId) {
    this.#channel?.postMessage({ conversationId });
  }

  /** @param {(conversationId: string) => void} listener */
  onChange(listener) {
    this.#channel?.addEventListener("message", (event) => listener(event.data.conversationId));
  }
}
