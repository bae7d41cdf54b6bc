// @ts-check
/** The list of conversations: which there are, which is open, their names and their end. */

import { arrange, cloned, hook, setText } from "../dom/hooks.js";

/** @typedef {import("../state/types.js").Conversation} Conversation */

export class SidebarView {
  /**
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   * @param {import("./router.js").Router} router
   */
  constructor(store, actions, router) {
    this.store = store;
    this.actions = actions;
    this.router = router;
    this.list = hook(document, "conversations");
    this.dialog = /** @type {HTMLDialogElement} */ (hook(document, "delete-dialog"));
  }

  start() {
    this.list.addEventListener("click", (event) => this.#onClick(event));
    this.dialog.addEventListener("close", () => this.#onDialogClose());
    this.store.addEventListener("change", (event) => {
      const { state, previous } = /** @type {CustomEvent} */ (event).detail;
      if (state.conversations !== previous.conversations || state.conversationId !== previous.conversationId) this.#show();
    });
    this.#show();
  }

  #show() {
    const { conversations, conversationId } = this.store.state;
    const items = new Map(Array.from(this.list.children, (item) => [/** @type {HTMLElement} */ (item).dataset.conversation, item]));
    arrange(this.list, conversations.map((each) => {
      const item = /** @type {HTMLElement} */ (items.get(each.id) ?? cloned("conversation-template"));
      showItem(item, each, each.id === conversationId);
      return item;
    }));
    const open = conversations.find((each) => each.id === conversationId);
    document.title = open ? `${open.title} · chatapp` : "chatapp";
    setText(hook(document, "title"), open?.title ?? "New chat");
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const item = button?.closest("[data-conversation]");
    if (!button || !(item instanceof HTMLElement)) return;
    if ("rename" in button.dataset) this.#rename(item);
    if ("delete" in button.dataset) this.#askToDelete(item);
  }

  /** @param {HTMLElement} item */
  #rename(item) {
    const link = hook(item, "link");
    const field = /** @type {HTMLInputElement} */ (hook(item, "rename-field"));
    field.value = link.textContent?.trim() ?? "";
    const before = field.value;
    const finish = (/** @type {boolean} */ keep) => {
      if (field.hidden) return;
      field.hidden = true;
      link.hidden = false;
      const title = field.value.trim();
      if (keep && title && title !== before) this.actions.rename(item.dataset.conversation ?? "", title);
    };
    field.onblur = () => finish(true);
    field.onkeydown = (event) => {
      if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
      event.stopPropagation();
      finish(event.key === "Enter");
      link.focus();
    };
    link.hidden = true;
    field.hidden = false;
    field.select();
  }

  /** @param {HTMLElement} item */
  #askToDelete(item) {
    this.dialog.dataset.conversation = item.dataset.conversation;
    setText(hook(this.dialog, "delete-title"), hook(item, "link").textContent?.trim() ?? "");
    this.dialog.returnValue = "";
    this.dialog.showModal();
  }

  async #onDialogClose() {
    const id = this.dialog.dataset.conversation ?? "";
    if (this.dialog.returnValue !== "delete") return;
    const wasOpen = id === this.store.state.conversationId;
    if ((await this.actions.remove(id)) && wasOpen) this.router.go("/");
  }
}

/** @param {HTMLElement} item @param {Conversation} conversation @param {boolean} open */
function showItem(item, { id, title }, open) {
  const link = hook(item, "link");
  item.dataset.conversation = id;
  link.setAttribute("href", `/c/${id}`);
  setText(link, title);
  link.title = title; // a long one is cut off in the list
  if (open) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  hook(item, "rename").setAttribute("aria-label", `Rename “${title}”`);
  hook(item, "delete").setAttribute("aria-label", `Delete “${title}”`);
}
