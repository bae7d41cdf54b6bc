// @ts-check
/**
 * What an answer took: times, tokens, cost, the model that gave it, and the trace to ask about.
 * Loaded when the first reader asks.
 */

import { copyFrom } from "../dom/clipboard.js";
import { element } from "../dom/element.js";
import { number, t } from "../language.js";
import { rateOf, seconds } from "./labels.js";

/** @typedef {import("./view.js").View} View */

/** @param {View} view @param {HTMLElement} list  a `<dl>` @param {import("../state/types.js").ShownMessage} answer */
export function showFigures(view, list, answer) {
  const { timing } = answer;
  const { provider, model } = answer.answered_by ?? answer;
  const usage = answer.usage?.total ? answer.usage : null; // viewers of a link are told nothing
  const trace = answer.trace_id ?? answer.error?.trace_id ?? null;
  const about = usage?.estimated ? "≈ " : "";
  const rate = rateOf(answer);
  /** @type {[string, string|Node|null|undefined|false][]} */
  const rows = [
    [t("Model"), [provider, model].filter(Boolean).join(" / ")],
    [t("Time to first token"), typeof timing?.first_token_ms === "number" && seconds(timing.first_token_ms)],
    [t("Total time"), timing && seconds(timing.total_ms)],
    [t("Waited for you"), answer.waitedMs >= 1000 && seconds(answer.waitedMs)],
    [t("Tokens in"), usage && about + (usage.cached ? t("{n} ({part} cached)", { n: number(usage.prompt), part: number(usage.cached) }) : number(usage.prompt))],
    [t("Tokens out"), usage && about + (usage.reasoning ? t("{n} ({part} thinking)", { n: number(usage.completion), part: number(usage.reasoning) }) : number(usage.completion))],
    [t("Tokens/s"), rate !== null && about + number(rate)],
    [t("Cost"), typeof usage?.cost === "number" && costOf(usage.cost, usage.currency)],
    [t("Trace"), trace && copyable(view, trace)],
  ];
  list.replaceChildren(...rows.flatMap(([name, value]) => (value ? row(name, value) : [])));
  place(list);
}

/** Above its button, or below it if there is no room: most answers are short. @param {HTMLElement} list */
function place(list) {
  list.toggleAttribute("data-below", false);
  const top = list.closest("[data-scroller]")?.getBoundingClientRect().top ?? 0;
  list.toggleAttribute("data-below", list.getBoundingClientRect().top < top);
}

/** @param {string} name @param {string|Node} value */
function row(name, value) {
  return [element("dt", {}, name), element("dd", {}, value)];
}

/** Small costs need their digits. @param {number} cost @param {string|null|undefined} currency */
function costOf(cost, currency) {
  const digits = cost < 0.01 ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  if (/^[A-Z]{3}$/.test(currency ?? "")) return number(cost, { style: "currency", currency: currency ?? "", ...digits });
  return [number(cost, digits), currency].filter(Boolean).join(" ");
}

/** @param {View} view @param {string} trace */
function copyable(view, trace) {
  const button = element("button", { type: "button", class: "code-copy", title: t("Copy the trace's id") }, trace);
  view.on(button, "click", () => copyFrom(button, trace));
  return button;
}
