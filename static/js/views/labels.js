// @ts-check
/** The words for states, ends and figures. Pure. */

import { number, sentenceOf, t, tn } from "../language.js";
import { asks } from "../state/selectors.js";

/** @typedef {import("../state/types.js").ShownMessage} ShownMessage */

/** @type {Record<string, string>} */
const ENDINGS = {
  length: t("The answer reached its length limit and stops here."),
  content_filter: t("The provider's content filter ended the answer."),
  tool_limit: t("The answer reached its limit of tool calls."),
  cancelled: t("You stopped this answer."),
  interrupted: t("The answer was interrupted before it was complete."),
};

/** Tells a reader how an answer ended; "" if it ended normally. @param {ShownMessage} answer */
export function endingOf(answer) {
  if (answer.status === "running" || answer.error) return "";
  return ENDINGS[answer.finish_reason ?? ""] ?? (isEmpty(answer) ? t("The model gave an empty answer.") : "");
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
  const waits = answer.tools.find((tool) => isAsking(tool) && !asked.has(tool.id));
  if (waits) return t("The tool {name} waits for your approval.", { name: waits.name });
  const known = new Set(before.tools.flatMap(questionsOf));
  const curious = answer.tools.find((tool) => questionsOf(tool).some((id) => !known.has(id)));
  return curious ? t("The tool {name} asks you something.", { name: curious.name }) : "";
}

/** The ids of what it asks. @param {import("../state/types.js").ToolCall} tool */
function questionsOf(tool) {
  return (tool.questions ?? []).map((each) => each.question);
}

/** @param {ShownMessage} answer */
function endAnnouncement(answer) {
  if (answer.error) return t("The answer failed. {why}", { why: sentenceOf(answer.error) });
  return endingOf(answer) || t("The answer is complete.");
}

/** The small line under an answer. @param {ShownMessage} answer */
export function metaOf(answer) {
  const { timing } = answer;
  return [(answer.answered_by ?? answer).model, timing && seconds(timing.total_ms), tokensOf(answer)].filter(Boolean).join(" · ");
}

/**
 * While it thinks, the line under the answer says so. Afterwards the server tells how long all of
 * it thought; of several thoughts, only a page that watched knows.
 * @param {{since: number|null, ms: number}} part
 * @param {ShownMessage} answer
 */
export function thinkingLabel({ since, ms }, { parts, thinkingMs, watched }) {
  const isOnly = parts.filter(({ type }) => type === "thought").length === 1;
  const long = since !== null ? 0 : isOnly ? thinkingMs : watched ? ms : 0;
  return long ? t("Thought for {time}", { time: seconds(long) }) : t("Thoughts");
}

/** What a running answer is at; "" once it has ended. @param {ShownMessage} answer */
export function phaseOf(answer) {
  if (answer.status !== "running") return "";
  if (answer.unsent) return t("Waiting for the connection…");
  if (answer.waiting) return t("Reconnecting…");
  if (answer.stopping) return t("Stopping…");
  if (!answer.id) return t("Connecting…");
  if (answer.queued) return answer.provider ? t("Queued at {name}", { name: answer.provider }) : t("Queued at the model");
  if (asks(answer)) return t("Waiting for you");
  const running = answer.tools.findLast((tool) => !tool.done);
  if (running) return t("Running {name}", { name: running.name });
  if (answer.thinkingSince !== null) return t("Thinking…");
  const last = answer.parts[answer.parts.length - 1]?.type;
  if (last === "text") return t("Writing…");
  return answer.provider ? t("Waiting for {name}", { name: answer.provider }) : t("Waiting for the model");
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

/** @type {Record<string, string>} */
const DECIDING = {
  approved: t("approved"), denied: t("denied"), accept: t("answered"), decline: t("declined"), cancel: t("cancelled"),
};

/**
 * @param {import("../state/types.js").ToolCall} tool
 * @param {boolean} ended
 * @param {number} now  milliseconds on the page's clock
 */
export function toolLabel(tool, ended, now) {
  const approved = tool.approval === "approved";
  const ran = tool.since ? Math.floor((now - tool.since) / 1000) : 0;
  const far = progressLabel(tool.progress);
  const running = [ran > 0 ? t("running… {time}", { time: clock(ran) }) : t("running…"), far].filter(Boolean).join(" · ");
  const labels = {
    asks: DECIDING[tool.deciding ?? ""] ?? t("waits for you"),
    running: approved ? t("approved, {state}", { state: running }) : running,
    refused: tool.approval === "denied" ? t("denied") : t("not approved in time"),
    failed: approved ? t("approved, failed") : t("failed"),
    done: approved ? t("approved") : "",
    open: t("no result"),
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
  if (left <= 0) return t("time is up");
  return t("{time} left", { time: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` });
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

/** A time that runs, in whole seconds. @param {number} seconds */
export function clock(seconds) {
  if (seconds < 60) return t("{n} s", { n: seconds });
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {number} ms */
export function seconds(ms) {
  const whole = ms / 1000;
  if (whole < 60) return t("{n} s", { n: number(whole, { minimumFractionDigits: 1, maximumFractionDigits: 1 }) });
  return t("{min} min {s} s", { min: Math.floor(whole / 60), s: Math.round(whole % 60) });
}

/** Tokens per second, or their number if the rate cannot be told. @param {ShownMessage} answer */
function tokensOf(answer) {
  const { usage } = answer;
  if (!usage?.completion) return "";
  const rate = rateOf(answer);
  return `${usage.estimated ? "≈ " : ""}${rate === null ? tn("{count} token", "{count} tokens", usage.completion) : t("{n} tokens/s", { n: number(rate) })}`;
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
