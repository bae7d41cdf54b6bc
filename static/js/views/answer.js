// @ts-check
/** One answer: its thinking, tools and text, how it ended, and the buttons below it. */

import { copyFrom } from "../dom/clipboard.js";
import { cloned, hook, setText } from "../dom/hooks.js";
import { MarkdownView } from "../markdown/view.js";
import { endingOf, isAsking, metaOf, thinkingLabel, waitingLabel } from "./labels.js";
import { linkNumbers, showFiles, showSources, withNumbers } from "./media.js";
import { ToolList } from "./tool-card.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */
/** @typedef {import("../state/types.js").Offer} Offer */

export class AnswerView extends View {
  /** @type {ShownMessage|null} */ #shown = null;
  #last = false;
  /** @type {Offer|null} */ #offer = null;
  #folded = false;

  /**
   * @param {HTMLElement} root
   * @param {import("../actions.js").Actions} actions
   * @param {HTMLElement} [node]  the answer as the server rendered it
   */
  constructor(root, actions, node = cloned(root, "answer")) {
    super(root);
    this.node = node;
    this.text = new MarkdownView(hook(node, "content"));
    this.reasoning = new MarkdownView(hook(node, "reasoning"));
    this.tools = new ToolList(root, hook(node, "tools"), (call, said) => {
      if (this.#shown) actions.decide(this.#shown.id, call, said);
    });
    this.thinking = /** @type {HTMLDetailsElement} */ (hook(node, "thinking"));
    hook(node, "content").dataset.rendered = "";
    for (const name of ["retry", "regenerate"]) {
      this.on(hook(node, name), "click", () => this.#shown && actions.retry(this.#shown.id));
    }
    const copy = hook(node, "copy-answer");
    this.on(copy, "click", () => copyFrom(copy, this.#shown?.content ?? ""));
  }

  stop() {
    super.stop();
    this.tools.stop();
  }

  /**
   * @param {ShownMessage} answer
   * @param {boolean} last  whether it is the conversation's last message
   * @param {Offer|null} offer  tells the server of an MCP tool
   */
  show(answer, last, offer) {
    const before = this.#shown;
    if (answer === before && last === this.#last && offer === this.#offer) return;
    this.#shown = answer;
    this.#last = last;
    this.#offer = offer;
    this.#showState(answer);
    this.#showThinking(answer, before);
    this.tools.show(answer, offer);
    this.#showSteps(answer);
    const done = answer.status === "done";
    const isNew = answer.content !== before?.content || answer.sources !== before?.sources;
    if (done && (isNew || before?.status !== "done")) this.#showWhole(answer);
    else if (isNew) this.text.set(answer.content);
    if (answer.files !== before?.files) showFiles(hook(this.node, "files"), answer.files);
    if (answer.sources !== before?.sources) showSources(hook(this.node, "sources"), answer.sources);
    this.#showEnd(answer, last);
  }

  /** The text is drawn once more, with its numbers as links. @param {ShownMessage} answer */
  #showWhole({ content, sources }) {
    this.text.set(withNumbers(content, sources), true);
    linkNumbers(hook(this.node, "content"), sources);
  }

  /** @param {ShownMessage} answer */
  #showState(answer) {
    const running = answer.status === "running";
    const { node } = this;
    node.dataset.message = answer.id;
    node.dataset.status = answer.status;
    node.dataset.finish = answer.finish_reason ?? "";
    node.setAttribute("aria-busy", String(running));
    const begun = Boolean(answer.content || answer.reasoning || answer.files.length || answer.tools.length || answer.steps.length);
    const moving = begun && !answer.waiting && !answer.stopping && !isBetween(answer);
    hook(node, "pending").hidden = !running || moving;
    node.toggleAttribute("data-moving", running && moving);
    setText(hook(node, "pending-label"), waitingLabel(answer));
  }

  /**
   * Open while it thinks, folded once when the answer begins. If a reader folds or unfolds it, it
   * stays so.
   * @param {ShownMessage} answer
   * @param {ShownMessage|null} before
   */
  #showThinking(answer, before) {
    const { thinking } = this;
    thinking.hidden = !answer.reasoning;
    if (thinking.hidden) return;
    const active = answer.thinkingSince !== null;
    thinking.toggleAttribute("data-active", active);
    setText(hook(thinking, "thinking-label"), thinkingLabel(answer));
    if (active && !before?.reasoning) thinking.open = true;
    if (!active && thinking.open && !this.#folded && before?.thinkingSince !== null) thinking.open = false;
    this.#folded = !active;
    if (answer.reasoning !== before?.reasoning || !active) this.reasoning.set(answer.reasoning, !active);
  }

  /** @param {ShownMessage} answer */
  #showSteps({ steps, step, status }) {
    const list = hook(this.node, "steps");
    list.hidden = steps.length === 0;
    while (list.children.length > steps.length) list.lastElementChild?.remove();
    steps.forEach(({ index, text }, at) => {
      const item = list.children[at] ?? list.appendChild(document.createElement("li"));
      setText(item, text);
      const current = status === "running" && index === step;
      if (current !== item.hasAttribute("aria-current")) item.toggleAttribute("aria-current", current);
      if (current) item.setAttribute("aria-current", "step");
    });
  }

  /** @param {ShownMessage} answer @param {boolean} last */
  #showEnd(answer, last) {
    const { node } = this;
    const done = answer.status === "done";
    const ending = endingOf(answer);
    hook(node, "ending").hidden = !ending;
    setText(hook(node, "ending"), ending);
    hook(node, "failure").hidden = !answer.error;
    if (answer.error) showFailure(hook(node, "failure"), answer.error, last);
    hook(node, "footer").hidden = !done;
    hook(node, "copy-answer").hidden = !answer.content;
    hook(node, "regenerate").hidden = !last || Boolean(answer.error);
    setText(hook(node, "meta"), metaOf(answer));
  }
}

/**
 * After a tool call or a step nothing moves until more text comes: then the dots do.
 * @param {ShownMessage} answer
 */
function isBetween({ content, tools, steps, thinkingSince }) {
  return !content && tools.length + steps.length > 0 && thinkingSince === null && !tools.some(isAsking);
}

/**
 * @param {HTMLElement} box
 * @param {import("../state/types.js").Failure} failure
 * @param {boolean} last
 */
function showFailure(box, failure, last) {
  setText(hook(box, "failure-message"), failure.message);
  setText(hook(box, "failure-trace"), failure.trace_id ? `Trace ${failure.trace_id}` : "");
  hook(box, "retry").hidden = !last;
}
