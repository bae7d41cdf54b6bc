// @ts-check
/** One answer: its parts, what it is at, how it ended, and the buttons below it. */

import { copyFrom } from "../dom/clipboard.js";
import { closing } from "../dom/closing.js";
import { cloned, hook, setText } from "../dom/hooks.js";
import { part } from "../dom/part.js";
import { detailOf, sentenceOf, t } from "../language.js";
import { canContinue } from "../state/selectors.js";
import { endingOf, metaOf } from "./labels.js";
import { showSources } from "./media.js";
import { PartsView } from "./parts.js";
import { PhaseView } from "./phase.js";
import { showVersions } from "./versions.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */
/** @typedef {import("../state/types.js").Offer} Offer */

export class AnswerView extends View {
  /** @type {ShownMessage|null} */ #shown = null;
  #last = false;
  #more = false;
  /** @type {import("./replay.js").Replay|null} */ #replay = null;
  /** @type {Offer|null} */ #offer = null;

  /**
   * @param {HTMLElement} root
   * @param {import("../actions.js").Actions} actions
   * @param {HTMLElement} [node]  the answer as the server rendered it
   */
  constructor(root, actions, node = cloned(root, "answer")) {
    super(root);
    this.node = node;
    // Looked up once: the text stands before them, and a search goes through all of it.
    this.sources = hook(node, "sources");
    this.ending = hook(node, "ending");
    this.failure = hook(node, "failure");
    this.footer = hook(node, "footer");
    this.phase = new PhaseView(node);
    this.canReplay = Boolean(actions.retry); // a viewer of a link may not
    this.parts = new PartsView(root, node, (call, said) => {
      if (this.#shown && !this.#replay) actions.decide(this.#shown.id, call, said);
    });
    this.on(hook(node, "regenerate"), "click", () => this.#shown && actions.retry(this.#shown.root ?? this.#shown.id));
    this.on(hook(node, "continue"), "click", () => this.#shown && actions.goOn(this.#shown.id));
    this.on(hook(node, "retry"), "click", () => {
      if (this.#shown?.continues) actions.goOn(this.#shown.continues);
      else if (this.#shown) actions.retry(this.#shown.id);
    });
    this.figures = /** @type {HTMLDetailsElement} */ (hook(node, "figures").parentElement);
    closing(this, this.figures);
    this.on(this.figures, "toggle", () => this.figures.open && this.#showFigures());
    this.on(hook(node, "replay"), "click", () => this.#startReplay());
    const copy = hook(node, "copy-answer");
    this.on(copy, "click", () => copyFrom(copy, textOf(this.#shown)));
  }

  stop() {
    super.stop();
    this.#replay?.stop();
    this.parts.stop();
    this.phase.stop();
  }

  async #startReplay() {
    const answer = this.#shown;
    if (answer?.status !== "done" || this.#replay) return;
    const loaded = await part(this.node, import("./replay.js"));
    if (!loaded || this.#replay || this.#shown !== answer) return;
    this.#replay = new loaded.Replay(hook(this.node, "replay-bar"), answer, (shown) => this.#show(shown), () => this.#endReplay(answer));
    this.#replay.start();
  }

  /** @param {ShownMessage} answer */
  #endReplay(answer) {
    this.#replay?.stop();
    this.#replay = null;
    if (this.#show(answer)) this.node.dispatchEvent(new Event("undrawn", { bubbles: true }));
    hook(this.node, "replay").focus();
  }

  /**
   * Returns whether there is more to draw.
   * @param {ShownMessage} answer
   * @param {boolean} last  whether it is the conversation's last message
   * @param {Offer|null} offer  tells the server of an MCP tool
   * @param {boolean} draws  the parts, too, which take their time; else they are what there is more of
   */
  show(answer, last, offer, draws) {
    const isSame = answer === this.#shown && last === this.#last && offer === this.#offer;
    this.#last = last;
    this.#offer = offer;
    if (this.#replay) return false;
    return isSame && !(draws && this.#more) ? this.#more : this.#show(answer, draws);
  }

  /** @param {ShownMessage} answer @param {boolean} [draws] */
  #show(answer, draws = true) {
    const before = this.#shown;
    this.#shown = answer;
    this.#showState(answer);
    this.#more = !draws || this.parts.show(answer, this.#offer);
    this.phase.show(answer);
    if (answer.sources !== before?.sources) showSources(this.sources, answer.sources);
    this.#showEnd(answer, this.#last);
    return this.#more;
  }

  /** @param {ShownMessage} answer */
  #showState({ id, root, status, finish_reason }) {
    const { node } = this;
    node.dataset.message = id;
    node.dataset.root = root ?? id;
    node.dataset.status = status;
    node.dataset.finish = finish_reason ?? "";
    node.setAttribute("aria-busy", String(status === "running"));
  }

  /** @param {ShownMessage} answer @param {boolean} last */
  #showEnd(answer, last) {
    const { footer } = this;
    const ending = endingOf(answer);
    this.ending.hidden = !ending;
    setText(this.ending, ending);
    this.failure.hidden = !answer.error;
    if (answer.error) showFailure(this.failure, answer.error, last);
    footer.hidden = answer.status !== "done";
    hook(footer, "copy-answer").hidden = !answer.content;
    hook(footer, "replay").hidden = !this.canReplay || !answer.content || !answer.timing;
    hook(footer, "continue").hidden = !last || !canContinue(answer);
    showVersions(footer, answer);
    hook(footer, "regenerate").hidden = !last || Boolean(answer.error);
    const meta = metaOf(answer);
    setText(hook(footer, "meta"), meta);
    this.figures.hidden = !meta; // of an answer from a file nothing may be known
  }

  async #showFigures() {
    const loaded = await part(this.node, import("./figures.js"));
    if (loaded && this.#shown) loaded.showFigures(this, hook(this.node, "figures"), this.#shown);
  }
}

/** Its texts, as they were written. @param {ShownMessage|null} answer */
function textOf(answer) {
  return (answer?.parts ?? []).flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
}

/**
 * @param {HTMLElement} box
 * @param {import("../state/types.js").Failure} failure
 * @param {boolean} last
 */
function showFailure(box, failure, last) {
  setText(hook(box, "failure-message"), sentenceOf(failure));
  setText(hook(box, "failure-detail"), detailOf(failure));
  setText(hook(box, "failure-trace"), failure.trace_id ? t("Trace {id}", { id: failure.trace_id }) : "");
  hook(box, "retry").hidden = !last;
}
