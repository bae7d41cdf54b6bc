// @ts-check
/** What the page says: states, ends and figures in words. Pure. */

/** @typedef {import("./types.js").ShownMessage} ShownMessage */

/** @type {Record<string, string>} */
const ENDINGS = {
  length: "The answer reached its length limit and stops here.",
  content_filter: "The provider's content filter ended the answer.",
  tool_limit: "The limit of tool calls was reached.",
  cancelled: "You stopped this answer.",
  interrupted: "The answer was interrupted before it was complete.",
};

/** What a reader should know about the end; "" where it ended as it should. @param {ShownMessage} answer */
export function endingOf(answer) {
  if (answer.status === "running" || answer.error) return "";
  return ENDINGS[answer.finish_reason ?? ""] ?? "";
}

/** One sentence for those who listen. @param {ShownMessage} answer */
export function announcementOf(answer) {
  if (answer.error) return `The answer failed. ${answer.error.message}`;
  return endingOf(answer) || "The answer is complete.";
}

/** The small line under an answer. @param {ShownMessage} answer */
export function metaOf({ model, timing, usage }) {
  return [model, timing && seconds(timing.total_ms), tokensOf(usage, timing)].filter(Boolean).join(" · ");
}

/** @param {ShownMessage} answer */
export function thinkingLabel(answer) {
  if (answer.thinkingSince !== null) return "Thinking";
  return answer.thinkingMs ? `Thought for ${seconds(answer.thinkingMs)}` : "Thoughts";
}

/** What stands where no text is yet. @param {ShownMessage} answer */
export function waitingLabel(answer) {
  if (answer.waiting) return "Reconnecting…";
  return answer.stopping ? "Stopping…" : "";
}

/** @param {unknown} value */
export function pretty(value) {
  if (typeof value !== "string") return JSON.stringify(value, null, 2) ?? "";
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value; // plain text is a result as well
  }
}

/** @param {number} ms */
function seconds(ms) {
  const whole = ms / 1000;
  if (whole < 60) return `${whole.toFixed(1)} s`;
  return `${Math.floor(whole / 60)} min ${Math.round(whole % 60)} s`;
}

/** The speed where it can be told, else the count. */
function tokensOf(/** @type {import("./types.js").Usage|null} */ usage, /** @type {import("./types.js").Timing|null} */ timing) {
  if (!usage?.completion) return "";
  const about = usage.estimated ? "≈ " : "";
  const ms = timing && timing.first_token_ms !== null ? timing.total_ms - timing.first_token_ms : 0;
  if (ms < 200 || usage.completion < 5) return `${about}${usage.completion} tokens`;
  return `${about}${Math.round((usage.completion / ms) * 1000)} tokens/s`;
}
