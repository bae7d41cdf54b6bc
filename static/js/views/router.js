// @ts-check
/**
 * Keeps the address bar, the tab's title and the state the same: a conversation lives at /c/<id>, a
 * new chat at /, below the path that the server is mounted at. Links stay links (they open in a new tab like any other); a plain click on one
 * loads no page. A page has one router; a chat without one leaves the address alone.
 */

import { t } from "../language.js";
import { at, MOUNT } from "../server/address.js";
import { titleOf, waitingElsewhere, waitsForReader } from "../state/selectors.js";
import { View } from "./view.js";

const CONVERSATION = /^\/c\/([^/]+)\/?$/;

export class Router extends View {
  /**
   * @param {HTMLElement} root  whose links it answers
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
  }

  start() {
    this.on(window, "popstate", () => this.#show());
    this.on(this.root, "click", (event) => this.#onClick(event));
    this.on(this.store, "change", ({ detail }) => this.#follow(detail));
    this.#keepAddress();
    this.#showTitle();
  }

  /** The address changes once there is something to show for it. @param {string} path */
  async go(path) {
    const id = conversationIn(path);
    if (!(await this.#open(id))) return;
    if (path !== location.pathname) history.pushState(null, "", path); // one that is open already
  }

  async #show() {
    const path = location.pathname;
    if ((await this.#open(conversationIn(path))) || location.pathname !== path) return;
    history.replaceState(null, "", pathOf(this.store.state.conversationId));
  }

  /** @param {string|null} id */
  async #open(id) {
    if (id) return id === this.store.state.conversationId || this.actions.open(id);
    this.actions.openNewChat();
    return true;
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const link = event.target instanceof Element ? event.target.closest("a[data-route]") : null;
    const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
    if (!(link instanceof HTMLAnchorElement) || modified || event.defaultPrevented) return;
    event.preventDefault();
    this.go(link.pathname);
  }

  /**
   * A new chat gets its address when the server has accepted its first question; a conversation
   * that was deleted loses it, and one that was found has its own.
   * @param {import("../state/types.js").Change} change
   */
  #follow({ state, previous }) {
    const { conversationId, conversations } = state;
    const moved = conversationId !== previous.conversationId;
    if (moved) this.#keepAddress();
    const waits = waitsForReader(state) !== waitsForReader(previous);
    if (moved || waits || conversations !== previous.conversations) this.#showTitle();
  }

  #keepAddress() {
    const { conversationId } = this.store.state;
    if (conversationId !== conversationIn(location.pathname)) history.pushState(null, "", pathOf(conversationId));
  }

  #showTitle() {
    const open = titleOf(this.store.state);
    const title = open ? `${open} · chatapp` : "chatapp";
    const waits = waitsForReader(this.store.state) || waitingElsewhere(this.store.state).length > 0;
    document.title = waits ? t("(!) Waiting for you · {title}", { title }) : title;
  }
}

/** @param {string} path @returns {string|null} */
function conversationIn(path) {
  const match = path.startsWith(MOUNT) && CONVERSATION.exec(path.slice(MOUNT.length));
  return match ? decodeURIComponent(match[1]) : null;
}

/** @param {string|null} id */
function pathOf(id) {
  return at(id ? `/c/${id}` : "/");
}
