// @ts-check
/** Which models a search finds, and what is said of each. Pure. */

import { t } from "../language.js";

/** @typedef {import("../state/types.js").ModelFacts} ModelFacts */
/** @typedef {{provider: string, model: string, facts: ModelFacts}} Offered */

/** What a model is known to do, by its name on the page. @type {Record<string, (facts: ModelFacts) => boolean>} */
export const KINDS = {
  [t("Pictures")]: ({ pictures }) => pictures === true,
  [t("Thinking")]: ({ thinking }) => thinking === "switch" || thinking === "always",
  [t("Tools")]: ({ tools }) => tools === true,
};

/**
 * Those in whose name, provider or abilities all words of the search stand.
 * @param {Offered[]} offered
 * @param {string} search
 * @param {Set<string>} kinds
 */
export function matching(offered, search, kinds) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return offered.filter(({ provider, model, facts }) => {
    if (![...kinds].every((kind) => KINDS[kind](facts))) return false;
    const text = `${provider} ${model} ${wordsFor(facts)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** @param {ModelFacts} facts @param {string} [provider] */
export function wordsFor(facts, provider = "") {
  const { pictures, thinking, tools, context, price } = facts;
  const words = [
    provider,
    pictures && t("pictures"),
    thinking === "always" ? t("always thinks") : thinking === "switch" && t("thinking"),
    tools && t("tools"),
    context && t("{count} tokens of room", { count: shortCount(context) }),
    price && t("{currency} {prompt} in, {completion} out", price),
  ];
  return words.filter(Boolean).join(" · ");
}

/** @param {number} tokens  131072 is "131k", as vendors say */
function shortCount(tokens) {
  return tokens >= 1e6 ? `${Math.round(tokens / 1e5) / 10}M` : tokens >= 1000 ? `${Math.round(tokens / 1000)}k` : `${tokens}`;
}
