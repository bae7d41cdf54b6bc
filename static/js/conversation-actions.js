// @ts-check
/**
 * What a reader can do with conversations as a whole: list, find, keep and delete them. `OpenActions`
 * adds what can be done inside the open one.
 */

import { detailOf, sentenceOf } from "./language.js";
import { ApiError } from "./server/api.js";

export class ConversationActions {
  #listing = false;

  /**
   * @param {import("./state/store.js").Store} store
   * @param {typeof import("./server/api.js").api} api
   * @param {import("./server/tabs.js").Tabs} tabs
   */
  constructor(store, api, tabs) {
    this.store = store;
    this.api = api;
    this.tabs = tabs;
  }

  /** @param {string} id @param {string} title */
  async rename(id, title) {
    const before = this.store.state.conversations.find((each) => each.id === id);
    this.store.dispatch({ type: "conversation-changed", id, title });
    const done = await this.trying(() => this.api.rename(id, title).then(() => true));
    if (!done && before) this.store.dispatch({ type: "conversation-changed", id, title: before.title });
    this.tabs.tell(id);
  }

  /** Keeps it at the top of the list, or no longer. @param {string} id @param {boolean} pinned */
  async pin(id, pinned) {
    if (await this.trying(() => this.api.pin(id, pinned).then(() => true))) await this.refreshConversations({ id, pinned });
    this.tabs.tell(id);
  }

  /** Its last message is before the reader's eyes. @param {string} id @param {string} message */
  async see(id, message) {
    this.store.dispatch({ type: "conversation-changed", id, unread: false });
    await this.trying(() => this.api.see(id, message).then(() => true));
  }

  /** `restore` brings it back. @param {string} id */
  async remove(id) {
    const done = await this.trying(() => this.api.remove(id).then(() => true));
    if (!done) return false;
    this.store.dispatch({ type: "conversation-removed", id });
    this.tabs.tell(id);
    return true;
  }

  /** @param {string} id @returns {Promise<boolean>} */
  async restore(id) {
    const back = await this.trying(() => this.api.restore(id));
    if (!back) return false;
    await this.refreshConversations();
    this.tabs.tell(id);
    return true;
  }

  /** How a conversation's answers are made. @param {string} id */
  async settings(id) {
    return (await this.trying(() => this.api.conversation(id)))?.settings ?? null;
  }

  /** Stores a conversation from a file. @param {string} json @returns {Promise<string|null>} its id */
  async bring(json) {
    return (await this.trying(() => this.api.bring(json)))?.id ?? null;
  }

  /** What stands in all conversations. @param {string} words @param {string} before  of a further page */
  find(words, before) {
    return this.trying(() => this.api.find(words, before));
  }

  /** The link to a conversation. @param {string} id @returns {Promise<string>} empty if it is not shared */
  async shared(id) {
    return (await this.trying(() => this.api.shared(id)))?.url ?? "";
  }

  /** @param {string} id @returns {Promise<string>} the link; empty after a failure */
  async share(id) {
    return (await this.trying(() => this.api.share(id)))?.url ?? "";
  }

  /** Takes the link back. @param {string} id @returns {Promise<boolean>} whether it is gone */
  async unshare(id) {
    return Boolean(await this.trying(() => this.api.unshare(id).then(() => true)));
  }

  /** @param {{id: string, pinned: boolean}} [changed]  which may be too old for the page that is loaded */
  async refreshConversations(changed) {
    const loaded = await this.trying(() => this.api.conversations());
    if (loaded && changed) this.store.dispatch({ type: "conversation-changed", ...changed });
    if (loaded) this.store.dispatch({ type: "conversations-loaded", ...loaded });
  }

  /** The next page of the list. */
  async moreConversations() {
    const { more } = this.store.state;
    if (!more || this.#listing) return;
    this.#listing = true;
    const page = await this.trying(() => this.api.conversations(more));
    this.#listing = false;
    if (page && this.store.state.more === more) this.store.dispatch({ type: "conversations-added", ...page });
  }

  /**
   * Shows a failure as a notice.
   * @template T
   * @param {() => Promise<T>} request
   * @param {() => void} [onMissing]  called instead if there is no such thing
   * @returns {Promise<T|null>} null after a failure
   */
  async trying(request, onMissing) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (onMissing && error.status === 404) return onMissing(), null;
      if (error.isUnreachable) this.lost();
      else this.store.dispatch({ type: "notice-shown", ...noticeOf(error) });
      return null;
    }
  }

  /** The server cannot be reached, which the page says until it can. */
  lost() {
    if (!this.store.state.connection) this.store.dispatch({ type: "connection-changed", connection: "away" });
  }
}

/** What is shown of a failure. @param {ApiError} error */
export function noticeOf(error) {
  return { text: sentenceOf(error), detail: detailOf(error), traceId: error.traceId };
}
