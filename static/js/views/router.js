// @ts-check
/**
 * The address bar and the state, kept the same: a conversation lives at /c/<id>, a new chat at /. Links stay links
 * (they open in a new tab as any other); a plain click on one is answered here, without a page load.
 */

const CONVERSATION = /^\/c\/([^/]+)\/?$/;

export class Router {
  /** @param {import("../state/store.js").Store} store @param {import("../actions.js").Actions} actions */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
  }

  start() {
    addEventListener("popstate", () => this.#show());
    document.addEventListener("click", (event) => this.#onClick(event));
    this.store.addEventListener("change", () => this.#follow());
  }

  /** The address changes when there is something to show for it. @param {string} path */
  async go(path) {
    const id = conversationIn(path);
    if (!(await this.#open(id))) return;
    if (path !== location.pathname) history.pushState(null, "", path);
  }

  async #show() {
    const path = location.pathname;
    if ((await this.#open(conversationIn(path))) || location.pathname !== path) return;
    const { conversationId } = this.store.state;
    history.replaceState(null, "", conversationId ? `/c/${conversationId}` : "/");
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

  /** A new chat gets its address when the server has taken its first question. */
  #follow() {
    const { conversationId } = this.store.state;
    const isNew = conversationIn(location.pathname) === null;
    if (isNew && conversationId) history.pushState(null, "", `/c/${conversationId}`);
  }
}

/** @param {string} path @returns {string|null} */
function conversationIn(path) {
  const match = CONVERSATION.exec(path);
  return match ? decodeURIComponent(match[1]) : null;
}
