// @ts-check
/** Which models a search finds, and what is said of each. Pure. */

/** @typedef {import("../state/types.js").ModelFacts} ModelFacts */
/** @typedef {{provider: string, model: string, facts: ModelFacts}} Offered */

/** @type {Record<string, (facts: ModelFacts) => boolean>} what a model is known to do */
export const KINDS = {
  Pictures: ({ pictures }) => pictures === true,
  Thinking: ({ thinking }) => thinking === "switch" || thinking === "always",
  Tools: ({ tools }) => tools === true,
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
    pictures && "pictures",
    thinking === "always" ? "always thinks" : thinking === "switch" && "thinking",
    tools && "tools",
    context && `${shortCount(context)} tokens`,
    price && `${price.currency} ${price.prompt} in, ${price.completion} out`,
  ];
  return words.filter(Boolean).join(" · ");
}

/** @param {number} tokens  131072 is "131k", as vendors say */
function shortCount(tokens) {
  return tokens >= 1e6 ? `${Math.round(tokens / 1e5) / 10}M` : tokens >= 1000 ? `${Math.round(tokens / 1000)}k` : `${tokens}`;
}
