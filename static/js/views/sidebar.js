// @ts-check
/**
 * The list of conversations, by dates, the pinned ones first: it shows which one is open, at work or
 * unread, renames, pins and deletes. It grows as the reader scrolls.
 */

import { arrange, cloned, hook, isComposing, setText } from "../dom/hooks.js";
import { part } from "../dom/part.js";
import { t } from "../language.js";
import { at } from "../server/address.js";
import { groupOf } from "../state/list.js";
import { runningAnswer, titleOf, waitingElsewhere, waitsForReader } from "../state/selectors.js";
import { keepDraft } from "./drafts.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").Conversation} Conversation */

/** In time for the next page to be there when the reader is. */
const NEAR_PX = 400;

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
  }

  start() {
    this.on(this.list, "click", (event) => this.#onClick(event));
    this.on(this.list, "keydown", (event) => this.#onKeydown(event));
    this.on(this.list, "focusout", (event) => {
      const field = renameField(event);
      if (field) this.#finishRename(field, true);
    });
    this.on(this.list, "scroll", () => this.#onScroll(), { passive: true });
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
    const items = new Map(listed.map((item) => [item.dataset.conversation ?? item.dataset.group, item]));
    const [now, shown] = [new Date(), /** @type {HTMLElement[]} */ ([])];
    let group = "";
    for (const each of conversations) {
      const named = groupOf(each, now);
      if (named !== group) shown.push(items.get(named) ?? this.#heading(named));
      group = named;
      const item = items.get(each.id) ?? cloned(this.root, "conversation");
      showItem(item, each, each.id === conversationId);
      item.dataset.activity = each.id === conversationId ? activityOf(this.store.state) : activityIn(each);
      shown.push(item);
    }
    arrange(this.list, shown);
    hook(this.root, "drawer-open").toggleAttribute("data-waits", waitingElsewhere(this.store.state).length > 0);
    setText(hook(this.root, "title"), titleOf(this.store.state) || t("New chat"));
  }

  /** @param {string} group */
  #heading(group) {
    const heading = document.createElement("li");
    heading.className = "conversation-group";
    heading.dataset.group = group;
    heading.textContent = group;
    return heading;
  }

  #onScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.list;
    if (scrollHeight - scrollTop - clientHeight < NEAR_PX) this.actions.moreConversations();
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const item = button?.closest("[data-conversation]");
    if (!button || !(item instanceof HTMLElement)) return;
    if ("rename" in button.dataset) this.#startRename(item);
    if ("pin" in button.dataset) this.#pin(item, button);
    if ("delete" in button.dataset) this.#delete(item);
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
    if (!field || isComposing(event) || !["Enter", "Escape"].includes(event.key)) return;
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

  /** @param {HTMLElement} item @param {HTMLElement} button */
  async #pin(item, button) {
    await this.actions.pin(item.dataset.conversation ?? "", item.dataset.pinned === undefined);
    button.focus();
  }

  /** It can be brought back: nobody has to be asked first. @param {HTMLElement} item */
  async #delete(item) {
    const [id, title] = [item.dataset.conversation ?? "", hook(item, "link").textContent?.trim() ?? ""];
    const wasOpen = id === this.store.state.conversationId;
    const place = [...this.list.querySelectorAll("[data-link]")].indexOf(hook(item, "link"));
    if (!(await this.actions.remove(id))) return;
    if (wasOpen) this.actions.openNewChat();
    this.#focusAt(place);
    const loaded = await part(this.root, import("./undo.js"));
    loaded?.showUndo(this.root, t("Deleted “{title}”.", { title }), () => this.#restore(id, wasOpen), () => keepDraft(id, ""));
  }

  /** @param {string} id @param {boolean} wasOpen */
  async #restore(id, wasOpen) {
    if (!(await this.actions.restore(id))) return;
    if (wasOpen) await this.actions.open(id);
    /** @type {HTMLElement|null} */ (this.list.querySelector(`[data-conversation="${CSS.escape(id)}"] [data-link]`))?.focus();
  }

  /** The focus goes on to what follows in the list, where the deleted one was. @param {number} place */
  #focusAt(place) {
    const links = /** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll("[data-link]"));
    (links[Math.min(place, links.length - 1)] ?? hook(this.root, "new-chat")).focus();
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

/** What another one is at, by the list. @param {Conversation} conversation */
function activityIn({ running, waiting, unread }) {
  if (waiting) return "waits";
  if (running) return "runs";
  return unread ? "unread" : "";
}

/** @param {HTMLElement} item @param {Conversation} conversation @param {boolean} open */
function showItem(item, { id, title, pinned }, open) {
  const link = hook(item, "link");
  item.dataset.conversation = id;
  link.setAttribute("href", at(`/c/${id}`));
  setText(link, title || t("New chat")); // nothing has been asked yet
  link.title = title; // a long one is cut off in the list
  if (open) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  item.toggleAttribute("data-pinned", Boolean(pinned));
  hook(item, "pin").setAttribute("aria-pressed", String(Boolean(pinned)));
  hook(item, "pin").setAttribute("aria-label", t("Pin “{title}”", { title }));
  hook(item, "rename").setAttribute("aria-label", t("Rename “{title}”", { title }));
  hook(item, "delete").setAttribute("aria-label", t("Delete “{title}”", { title }));
}

/** @param {Event} event @returns {HTMLInputElement|null} */
function renameField({ target }) {
  return target instanceof HTMLInputElement && "renameField" in target.dataset ? target : null;
}
