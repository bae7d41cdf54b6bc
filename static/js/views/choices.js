// @ts-check
/** What this browser remembers of a reader's choices, for the next question. */

import { recall } from "../dom/storage.js";

export const MODEL_KEY = "model";
export const THINKING_KEY = "thinking";
export const TOOLS_KEY = "tools";
export const AGENT_KEY = "agent";

/** @returns {Partial<import("../state/types.js").State>} */
export function remembered() {
  return { usual: recall(MODEL_KEY), thinking: recall(THINKING_KEY), tools: recall(TOOLS_KEY), agent: recall(AGENT_KEY) };
}
