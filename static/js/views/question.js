// @ts-check
/**
 * One question of the reader, which can be asked in other words. A very long one is folded: its
 * beginning, and a button for the rest.
 */

import { cloned, hook, setText } from "../dom/hooks.js";
import { part } from "../dom/part.js";
import { t, tn } from "../language.js";
import { showFiles } from "./media.js";
import { showVersions } from "./versions.js";
import { View } from "./view.js";

/** Longer ones are folded: they would hide the answer. */
const LONG = { characters: 6000, lines: 100 };
/** What is shown of a folded one. */
const BEGINNING = { characters: 1500, lines: 24 };

export class QuestionView extends View {
  /** @type {import("../state/types.js").ShownMessage|null} */ #shown = null;
  #text = "";
  #whole = false;
  /** @type {import("./edit-form.js").EditForm|null} */ #form = null;

  /**
   * @param {HTMLElement} root
   * @param {import("../actions.js").Actions} actions
   * @param {HTMLElement} [node]
   */
  constructor(root, actions, node = cloned(root, "question")) {
    super(root);
    this.actions = actions;
    this.node = node;
    this.on(hook(node, "edit"), "click", () => this.#edit());
    this.more = hook(node, "show-all");
    this.on(this.more, "click", () => {
      this.#whole = !this.#whole;
      this.#show();
    });
  }

  /** @param {import("../state/types.js").ShownMessage} message */
  show(message) {
    if (message === this.#shown) return false;
    this.#shown = message;
    this.node.dataset.message = message.id;
    showVersions(this.node, message);
    hook(this.node, "edit").hidden = !message.id;
    this.#text = message.content;
    hook(this.node, "text").hidden = !message.content && message.files.length > 0;
    showFiles(hook(this.node, "files"), message.files);
    this.#show();
    return false;
  }

  async #edit() {
    const loaded = await part(this.node, import("./edit-form.js"));
    if (!loaded || !this.#shown || this.node.querySelector("form")) return;
    this.#form = new loaded.EditForm(this.node, this.#shown, this.actions);
    this.#form.open();
  }

  stop() {
    super.stop();
    this.#form?.stop();
  }

  #show() {
    const isLong = this.#text.length > LONG.characters || lineCount(this.#text) > LONG.lines;
    setText(hook(this.node, "text"), isLong && !this.#whole ? beginning(this.#text) : this.#text);
    this.more.hidden = !isLong;
    this.more.setAttribute("aria-expanded", String(this.#whole));
    setText(this.more, this.#whole ? t("Show less") : tn("Show all {count} character", "Show all {count} characters", this.#text.length));
  }
}

/** @param {string} text */
function lineCount(text) {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0 && lines <= LONG.lines; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

/** @param {string} text */
function beginning(text) {
  const cut = text.slice(0, BEGINNING.characters).split("\n").slice(0, BEGINNING.lines).join("\n");
  return `${cut.trimEnd()}…`;
}
