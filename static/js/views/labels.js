// @ts-check
/** The words for states, ends and figures. Pure. */

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */

/** @type {Record<string, string>} */
const ENDINGS = {
  length: "The answer reached its length limit and stops here.",
  content_filter: "The provider's content filter ended the answer.",
  tool_limit: "The answer reached its limit of tool calls.",
  cancelled: "You stopped this answer.",
  interrupted: "The answer was interrupted before it was complete.",
};

/** Tells a reader how an answer ended; "" if it ended normally. @param {ShownMessage} answer */
export function endingOf(answer) {
  if (answer.status === "running" || answer.error) return "";
  return ENDINGS[answer.finish_reason ?? ""] ?? (isEmpty(answer) ? "The model gave an empty answer." : "");
}

/** @param {ShownMessage} answer */
function isEmpty({ content, files, tools }) {
  return !content.trim() && files.length + tools.length === 0;
}

/**
 * One sentence for screen readers when an answer ends or waits for approval; else "".
 * @param {ShownMessage} answer
 * @param {ShownMessage|undefined} before
 */
export function announcementOf(answer, before) {
  if (before?.status !== "running") return "";
  if (answer.status === "done") return endAnnouncement(answer);
  const asked = new Set(before.tools.filter(isAsking).map((tool) => tool.id));
  const asks = answer.tools.find((tool) => isAsking(tool) && !asked.has(tool.id));
  if (asks) return `The tool ${asks.name} waits for your approval.`;
  const known = new Set(before.tools.flatMap(questionsOf));
  const curious = answer.tools.find((tool) => questionsOf(tool).some((id) => !known.has(id)));
  return curious ? `The tool ${curious.name} asks you something.` : "";
}

/** The ids of what it asks. @param {import("../state/types.js").ToolCall} tool */
function questionsOf(tool) {
  return (tool.questions ?? []).map((each) => each.question);
}

/** @param {ShownMessage} answer */
function endAnnouncement(answer) {
  if (answer.error) return `The answer failed. ${answer.error.message}`;
  return endingOf(answer) || "The answer is complete.";
}

/** The small line under an answer. @param {ShownMessage} answer */
export function metaOf(answer) {
  const { model, timing } = answer;
  return [model, timing && seconds(timing.total_ms), tokensOf(answer)].filter(Boolean).join(" · ");
}

/**
 * The server tells how long all of it thought; of several thoughts, only who watched knows.
 * @param {{since: number|null, ms: number}} part
 * @param {ShownMessage} answer
 */
export function thinkingLabel({ since, ms }, { parts, thinkingMs, watched }) {
  if (since !== null) return "Thinking";
  const isOnly = parts.filter(({ type }) => type === "thought").length === 1;
  const long = isOnly ? thinkingMs : watched ? ms : 0;
  return long ? `Thought for ${seconds(long)}` : "Thoughts";
}

/** What a running answer is at; "" once it has ended. @param {ShownMessage} answer */
export function phaseOf(answer) {
  if (answer.status !== "running") return "";
  if (answer.unsent) return "Waiting for the connection…";
  if (answer.waiting) return "Reconnecting…";
  if (answer.stopping) return "Stopping…";
  if (!answer.id) return "Connecting…";
  if (answer.askedSince !== null) return "Waiting for you";
  const running = answer.tools.findLast((tool) => !tool.done);
  if (running) return `Running ${running.name}`;
  if (answer.thinkingSince !== null) return "Thinking…";
  const last = answer.parts[answer.parts.length - 1]?.type;
  if (last === "text") return "Writing…";
  return answer.provider ? `Waiting for ${answer.provider}` : "Waiting for the model";
}

/** @param {import("../state/types.js").ToolCall} tool */
export function isAsking(tool) {
  return tool.approval === "asked" && !tool.done;
}

/**
 * The state of a call. `open`: the answer ended without a result, since the call was stopped or is
 * the client's.
 * @param {import("../state/types.js").ToolCall} tool
 * @param {boolean} ended  whether the answer ended
 * @returns {"asks"|"running"|"refused"|"failed"|"done"|"open"}
 */
export function toolState(tool, ended) {
  if (tool.done && (tool.approval === "denied" || tool.approval === "expired")) return "refused";
  if (tool.done) return tool.error === null ? "done" : "failed";
  if (ended) return "open";
  return isAsking(tool) || tool.questions?.length ? "asks" : "running";
}

/**
 * @param {import("../state/types.js").ToolCall} tool
 * @param {boolean} ended
 * @param {number} now  milliseconds on the page's clock
 */
export function toolLabel(tool, ended, now) {
  const approved = tool.approval === "approved" ? "approved" : "";
  const ran = tool.since ? Math.floor((now - tool.since) / 1000) : 0;
  const far = progressLabel(tool.progress);
  const running = [ran > 0 ? `running… ${ran} s` : "running…", far].filter(Boolean).join(" · ");
  const labels = {
    asks: "waits for you",
    running: approved ? `approved, ${running}` : running,
    refused: tool.approval === "denied" ? "denied" : "not approved in time",
    failed: approved ? "approved, failed" : "failed",
    done: approved,
    open: "no result",
  };
  return labels[toolState(tool, ended)];
}

/** "3/10 words". @param {import("../state/types.js").Progress|null|undefined} progress */
function progressLabel(progress) {
  if (!progress) return "";
  const { done, total, message } = progress;
  return [total === null ? (done ? String(rounded(done)) : "") : `${rounded(done)}/${rounded(total)}`, message].filter(Boolean).join(" ");
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * 100) / 100;
}

/** @param {number|null} expires @param {number} now  both in seconds since the epoch */
export function timeLeft(expires, now) {
  const left = Math.ceil((expires ?? 0) - now);
  if (left <= 0) return "time is up";
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`;
}

/** @param {unknown} value */
export function pretty(value) {
  if (typeof value !== "string") return JSON.stringify(value, null, 2) ?? "";
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value; // a result may be plain text
  }
}

/** @param {number} ms */
export function seconds(ms) {
  const whole = ms / 1000;
  if (whole < 60) return `${whole.toFixed(1)} s`;
  return `${Math.floor(whole / 60)} min ${Math.round(whole % 60)} s`;
}

/** Tokens per second, or their number if the rate cannot be told. @param {ShownMessage} answer */
function tokensOf(answer) {
  const { usage } = answer;
  if (!usage?.completion) return "";
  const rate = rateOf(answer);
  return `${usage.estimated ? "≈ " : ""}${rate === null ? `${usage.completion} tokens` : `${rate} tokens/s`}`;
}

/**
 * Tokens per second while it wrote; null if it was too short to measure, or waited for a reader
 * nobody knows how long.
 * @param {ShownMessage} answer
 */
export function rateOf({ usage, timing, tools, waitedMs, watched }) {
  const first = watched || !tools.some((tool) => tool.approval) ? timing?.first_token_ms ?? null : null;
  if (!usage || !timing || first === null) return null;
  const ms = timing.total_ms - first - waitedMs;
  return ms < 200 || usage.completion < 5 ? null : Math.round((usage.completion / ms) * 1000);
}
