// @ts-check
/** The list of conversations: it shows which one is open, renames and deletes. */

import { arrange, cloned, hook, setText } from "../dom/hooks.js";
import { t } from "../language.js";
import { at } from "../server/address.js";
import { runningAnswer, waitsForReader } from "../state/selectors.js";
import { keepDraft } from "./drafts.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").Conversation} Conversation */

export class SidebarView extends View {
  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.list = hook(root, "conversations");
    this.dialog = /** @type {HTMLDialogElement} */ (hook(root, "delete-dialog"));
  }

  start() {
    this.on(this.list, "click", (event) => this.#onClick(event));
    this.on(this.list, "keydown", (event) => this.#onKeydown(event));
    this.on(this.list, "focusout", (event) => {
      const field = renameField(event);
      if (field) this.#finishRename(field, true);
    });
    this.on(this.dialog, "close", () => this.#onDialogClose());
    this.on(this.store, "change", ({ detail }) => this.#onChange(detail));
    this.#show();
    this.#showOpen();
  }

  /** @param {import("../state/types.js").Change} change */
  #onChange({ state, previous }) {
    const moved = state.conversationId !== previous.conversationId;
    const at = activityOf(state);
    if (moved || state.conversations !== previous.conversations || at !== activityOf(previous)) this.#show();
    if (moved) this.#showOpen();
  }

  #show() {
    const { conversations, conversationId } = this.store.state;
    const listed = /** @type {HTMLElement[]} */ ([...this.list.children]);
    const items = new Map(listed.map((item) => [item.dataset.conversation, item]));
    arrange(this.list, conversations.map((each) => {
      const item = items.get(each.id) ?? cloned(this.root, "conversation");
      showItem(item, each, each.id === conversationId);
      item.dataset.activity = each.id === conversationId ? activityOf(this.store.state) : "";
      return item;
    }));
    const open = conversations.find((each) => each.id === conversationId);
    setText(hook(this.root, "title"), open?.title ?? t("New chat"));
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const item = button?.closest("[data-conversation]");
    if (!button || !(item instanceof HTMLElement)) return;
    if ("rename" in button.dataset) this.#startRename(item);
    if ("delete" in button.dataset) this.#askToDelete(item);
  }

  /** @param {HTMLElement} item */
  #startRename(item) {
    const link = hook(item, "link");
    const field = /** @type {HTMLInputElement} */ (hook(item, "rename-field"));
    field.value = link.textContent?.trim() ?? "";
    link.hidden = true;
    field.hidden = false;
    field.select();
  }

  /** @param {KeyboardEvent} event */
  #onKeydown(event) {
    const field = renameField(event);
    if (!field || event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    event.stopPropagation();
    hook(this.#finishRename(field, event.key === "Enter"), "link").focus();
  }

  /**
   * @param {HTMLInputElement} field
   * @param {boolean} keep
   * @returns {HTMLElement} the conversation's item
   */
  #finishRename(field, keep) {
    const item = /** @type {HTMLElement} */ (field.closest("[data-conversation]"));
    if (field.hidden) return item; // hiding the field takes its focus, which ends here again
    const link = hook(item, "link");
    field.hidden = true;
    link.hidden = false;
    const title = field.value.trim();
    const isNew = title !== "" && title !== link.textContent?.trim();
    if (keep && isNew) this.actions.rename(item.dataset.conversation ?? "", title);
    return item;
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
    const place = this.store.state.conversations.findIndex((each) => each.id === id);
    if (!(await this.actions.remove(id))) return;
    keepDraft(id, "");
    if (wasOpen) this.actions.openNewChat();
    this.#focusAt(place);
  }

  /** The focus goes on to what follows in the list, where the deleted one was. @param {number} place */
  #focusAt(place) {
    const { children } = this.list;
    const item = children[Math.min(place, children.length - 1)];
    (item ? hook(item, "link") : hook(this.root, "new-chat")).focus();
  }

  /** In a long list the open conversation may be out of sight. */
  #showOpen() {
    this.list.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest" });
  }
}

/** What the open conversation is at. @param {import("../state/types.js").State} state */
function activityOf(state) {
  if (waitsForReader(state)) return "waits";
  return runningAnswer(state) ? "runs" : "";
}

/** @param {HTMLElement} item @param {Conversation} conversation @param {boolean} open */
function showItem(item, { id, title }, open) {
  const link = hook(item, "link");
  item.dataset.conversation = id;
  link.setAttribute("href", at(`/c/${id}`));
  setText(link, title);
  link.title = title; // a long one is cut off in the list
  if (open) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  hook(item, "rename").setAttribute("aria-label", t("Rename “{title}”", { title }));
  hook(item, "delete").setAttribute("aria-label", t("Delete “{title}”", { title }));
}

/** @param {Event} event @returns {HTMLInputElement|null} */
function renameField({ target }) {
  return target instanceof HTMLInputElement && "renameField" in target.dataset ? target : null;
}
