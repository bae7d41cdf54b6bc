// @ts-check
/**
 * The cards of an answer's tool calls: the tool, its arguments, whether it may run, and its result.
 */

import { cloned, hook, setText } from "../dom/hooks.js";
import { part } from "../dom/part.js";
import { t } from "../language.js";
import { isAsking, pretty, timeLeft, toolLabel, toolState } from "./labels.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").ToolCall} ToolCall */
/** @typedef {import("../state/types.js").Offer} Offer */
/** @typedef {(call: string, said: object) => void} Decide  a decision, or what is said to a question */

/** @typedef {import("./question-form.js").QuestionForm} QuestionForm */

const TICK_MS = 1000;
/** Few tools ask: the form is loaded when the first one does. @type {typeof QuestionForm|null} */
let Form = null;

export class ToolList extends View {
  /** @type {ToolCard[]} */ #cards = [];
  /** @type {number|undefined} */ #timer;

  /** @param {HTMLElement} root @param {HTMLElement} node @param {Decide} decide */
  constructor(root, node, decide) {
    super(root);
    this.node = node;
    this.decide = decide;
    node.replaceChildren();
  }

  /**
   * @param {ToolCall[]} tools
   * @param {boolean} ended  whether the answer ended
   * @param {Offer|null} offer
   */
  show(tools, ended, offer) {
    for (const surplus of this.#cards.splice(tools.length)) surplus.remove();
    tools.forEach((tool, at) => {
      const card = (this.#cards[at] ??= this.#added());
      card.show(tool, ended, serverOf(tool, offer));
    });
    this.#tick();
  }

  stop() {
    super.stop();
    clearTimeout(this.#timer);
    for (const card of this.#cards) card.stop();
  }

  #added() {
    const card = new ToolCard(this.root, this.decide);
    this.node.append(card.node);
    return card;
  }

  /** Updates the clocks on the cards every second while a call runs or waits. */
  #tick() {
    clearTimeout(this.#timer);
    const moving = this.#cards.filter((card) => card.moves);
    moving.forEach((card) => card.showTime());
    if (moving.length && this.node.isConnected) this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }
}

class ToolCard extends View {
  /** @type {ToolCall|null} */ #tool = null;
  #ended = false;
  #asks = false;
  /** @type {Map<string, import("./question-form.js").QuestionForm>} */ #questions = new Map();

  /** @param {HTMLElement} root @param {Decide} decide */
  constructor(root, decide) {
    super(root);
    this.decide = decide;
    this.node = cloned(root, "tool");
    this.fold = /** @type {HTMLDetailsElement} */ (hook(this.node, "tool-fold"));
    this.ask = hook(this.node, "tool-ask");
    this.buttons = [hook(this.node, "approve"), hook(this.node, "deny")];
    this.buttons.forEach((button, at) => {
      this.on(button, "click", () => {
        if (this.#tool && !this.#tool.deciding) decide(this.#tool.id, { decision: at === 0 ? "approved" : "denied" });
      });
    });
  }

  remove() {
    this.stop();
    this.node.remove();
  }

  stop() {
    super.stop();
    for (const form of this.#questions.values()) form.stop();
  }

  /** Whether its label changes with time. */
  get moves() {
    return this.#tool !== null && !this.#tool.done && !this.#ended;
  }

  /**
   * @param {ToolCall} tool
   * @param {boolean} ended  whether the answer ended
   * @param {string} server
   */
  show(tool, ended, server) {
    const known = tool === this.#tool && ended === this.#ended;
    setText(hook(this.node, "tool-server"), server);
    if (known) return;
    this.#tool = tool;
    this.#ended = ended;
    this.node.dataset.tool = tool.name;
    this.node.dataset.state = toolState(tool, ended);
    this.node.toggleAttribute("data-deciding", Boolean(tool.deciding));
    this.node.setAttribute("aria-label", t("Tool {name}", { name: tool.name }));
    setText(hook(this.node, "tool-name"), tool.name);
    setText(hook(this.node, "tool-arguments"), pretty(tool.arguments));
    this.#showOutcome(tool);
    this.#showAsk(tool, ended);
    this.#showQuestions(tool, ended);
    this.showTime();
  }

  showTime() {
    if (!this.#tool) return;
    setText(hook(this.node, "tool-state"), toolLabel(this.#tool, this.#ended, performance.now()));
    setText(hook(this.node, "tool-left"), this.#asks && !this.#tool.deciding ? timeLeft(this.#tool.expires, Date.now() / 1000) : "");
    for (const form of this.#questions.values()) form.showTime();
  }

  /** @param {ToolCall} tool */
  #showOutcome(tool) {
    hook(this.node, "tool-outcome").hidden = !tool.done;
    setText(hook(this.node, "tool-outcome-label"), tool.error === null ? t("Result") : t("Error"));
    setText(hook(this.node, "tool-result"), tool.done ? tool.error ?? pretty(tool.result) : "");
  }

  /**
   * Unfolded while it waits, so that a reader sees the arguments before deciding. When the buttons
   * go, the focus stays on the card.
   * @param {ToolCall} tool
   * @param {boolean} ended
   */
  #showAsk(tool, ended) {
    const asks = isAsking(tool) && !ended;
    const focused = this.ask.matches(":focus-within");
    const deciding = String(Boolean(tool.deciding));
    for (const button of this.buttons) button.setAttribute("aria-disabled", deciding); // keeps the focus
    this.ask.hidden = !asks;
    if (asks !== this.#asks) this.fold.open = asks;
    if (focused && !asks) this.fold.querySelector("summary")?.focus();
    this.#asks = asks;
  }

  /**
   * A form stays as it is for as long as its question is open: somebody may be filling it in.
   * @param {ToolCall} tool
   * @param {boolean} ended
   */
  #showQuestions(tool, ended) {
    const open = ended ? [] : tool.questions ?? [];
    if (!Form) return open.length ? this.#loadForm() : undefined;
    const ids = new Set(open.map((each) => each.question));
    for (const [id, form] of this.#questions) if (!ids.has(id)) this.#forget(id, form);
    for (const each of open) {
      if (this.#questions.has(each.question)) continue;
      const form = new Form(this.root, each, (said) => {
        if (!this.#tool?.deciding) this.decide(tool.id, { question: each.question, ...said });
      });
      this.#questions.set(each.question, form);
      hook(this.node, "tool-questions").append(form.node);
    }
  }

  async #loadForm() {
    Form = (await part(this.node, import("./question-form.js")))?.QuestionForm ?? null;
    if (!Form || !this.#tool) return;
    this.#showQuestions(this.#tool, this.#ended);
    this.node.dispatchEvent(new Event("undrawn", { bubbles: true })); // it has grown: a reader at its end stays there
  }

  /** @param {string} id @param {QuestionForm} form */
  #forget(id, form) {
    const focused = form.node.matches(":focus-within");
    form.remove();
    this.#questions.delete(id);
    if (focused) this.fold.querySelector("summary")?.focus();
  }
}

/**
 * The name of an MCP tool's server, or "MCP" while the page does not know it.
 * @param {ToolCall} tool
 * @param {Offer|null} offer
 */
function serverOf(tool, offer) {
  if (tool.type !== "mcp") return "";
  return offer?.tools.find((each) => each.name === tool.name)?.server ?? "MCP";
}
