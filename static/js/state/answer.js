// @ts-check
/**
 * Applies a run's events to an answer. Pure: the time comes with the event. An answer is a fold
 * over its log, so a page that watched it and one that was reloaded (and reads the log from its
 * start) come to the same value.
 */

import { EVENT } from "../server/events.js";
import { partsOf, thought, withContent, withOne, withPlan, withText, withThought } from "./parts.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").ShownMessage} ShownMessage */

/**
 * The message as the page keeps it.
 * @param {Message} message
 * @param {Partial<ShownMessage>} [extra]
 * @returns {ShownMessage}
 */
export function shown(message, extra = {}) {
  return {
    key: message.id,
    step: 0,
    stepsTold: false,
    stepWorked: false,
    thinkingSince: null,
    thinkingMs: message.reasoning_ms ?? 0,
    askedSince: null,
    waitedMs: 0,
    watched: false,
    queued: false,
    stopping: false,
    waiting: false,
    ...message,
    parts: partsOf(message),
    ...extra,
  };
}

/**
 * An answer before anything is known of it.
 * @param {Partial<ShownMessage>} fields
 * @returns {ShownMessage}
 */
export function blankAnswer(fields) {
  return shown({
    id: "", conversation_id: "", role: "assistant", status: "running", content: "", reasoning: "",
    reasoning_ms: null, tools: [], steps: [], sources: [], files: [], finish_reason: null, error: null, usage: null,
    timing: null, provider: null, model: null, created: "", events_url: null,
  }, fields);
}

/**
 * The answer before the first event of its log, which will tell everything again.
 * @param {ShownMessage} answer
 * @returns {ShownMessage}
 */
export function forgotten(answer) {
  const nothing = { content: "", reasoning: "", tools: [], steps: [], sources: [], files: [], parts: [] };
  const times = { queued: false, thinkingSince: null, thinkingMs: 0, askedSince: null, waitedMs: 0 };
  return { ...answer, ...nothing, ...times, step: 0, stepsTold: false, stepWorked: false };
}

/**
 * @param {ShownMessage} answer
 * @param {string} name  the event's name on the wire
 * @param {any} data
 * @param {number} at    milliseconds on the page's clock
 * @returns {ShownMessage}
 */
export function applyEvent(answer, name, data, at) {
  const handle = HANDLERS[name];
  if (!handle || answer.status === "done") return answer;
  return handle(answer.queued ? { ...answer, queued: false } : answer, data, at); // whatever comes, its turn has come
}

/** @type {Record<string, (answer: ShownMessage, data: any, at: number) => ShownMessage>} */
const HANDLERS = {
  [EVENT.queued]: (answer, { waiting }) => ({ ...answer, queued: waiting }),
  [EVENT.reasoningDelta]: (answer, data, at) => ({
    ...worked(answer),
    reasoning: answer.reasoning + data.delta,
    thinkingSince: answer.thinkingSince ?? at,
    parts: withThought(answer.parts, data.delta, at),
  }),
  [EVENT.contentDelta]: (before, data, at) => {
    const answer = thoughtUntil(answered(before), at);
    return { ...answer, content: answer.content + data.delta, parts: withText(answer.parts, data.delta) };
  },
  [EVENT.toolCall]: (before, data, at) => {
    const answer = thoughtUntil(worked(before), at);
    const tools = [...answer.tools, called(data, answer.watched ? at : null)];
    return { ...answer, tools, parts: withOne(answer.parts, "calls", answer.tools.length) };
  },
  [EVENT.toolApproval]: (answer, { tool_call_id, state: approval, expires }, at) => {
    const since = answer.watched && approval === "approved" ? at : null; // the wait does not count
    return waited(changeTool(answer, tool_call_id, { approval, expires, since, deciding: null }), at);
  },
  [EVENT.toolQuestion]: (answer, data, at) => {
    const open = answer.tools.find((tool) => tool.id === data.tool_call_id)?.questions ?? [];
    const others = open.filter((each) => each.question !== data.question);
    const questions = data.state === "asked" ? [...others, data] : others;
    return waited(changeTool(answer, data.tool_call_id, { questions }), at);
  },
  [EVENT.toolProgress]: (answer, { tool_call_id, done, total, message }) =>
    changeTool(answer, tool_call_id, { progress: { done, total, message } }),
  [EVENT.toolResult]: (answer, data) => {
    const outcome = { result: data.result ?? null, error: data.error ?? null, done: true };
    return changeTool(answer, data.tool_call_id, { ...outcome, questions: [], progress: null });
  },
  [EVENT.planStep]: (answer, { index, text, begun }) => {
    if (begun) return { ...answer, step: index, stepsTold: true };
    const moves = answer.step === 0 || (answer.stepWorked && !answer.stepsTold);
    const steps = [...answer.steps, { index, text }];
    const parts = withPlan(answer.parts);
    return { ...answer, steps, parts, step: moves ? index : answer.step, stepWorked: false };
  },
  [EVENT.source]: (answer, data) => ({ ...answer, sources: [...answer.sources, data] }),
  [EVENT.file]: (before, data, at) => {
    const answer = thoughtUntil(worked(before), at);
    return { ...answer, files: [...answer.files, data], parts: withOne(answer.parts, "files", answer.files.length) };
  },
  [EVENT.reset]: (answer) => forgotten(answer),
  [EVENT.completed]: (before, data, at) => {
    const answer = ended(before, at);
    const content = data.content ?? answer.content;
    const { finish_reason, usage = null, timing = null, answered_by = null, trace_id = null } = data;
    return { ...answer, content, parts: withContent(answer.parts, content), finish_reason, usage, timing, answered_by, trace_id };
  },
  [EVENT.error]: (answer, { usage = null, timing = null, answered_by = null, ...error }, at) => ({
    ...ended(answer, at),
    finish_reason: error.code === "interrupted" ? "interrupted" : "error",
    error, usage, timing, answered_by,
  }),
};

/**
 * The answer, with one of its calls changed: the last of this id, which a later round may use again.
 * @param {ShownMessage} answer
 * @param {string} id
 * @param {Partial<import("./types.js").ToolCall>} fields
 * @returns {ShownMessage}
 */
export function changeTool(answer, id, fields) {
  const at = answer.tools.findLastIndex((tool) => tool.id === id);
  return at < 0 ? answer : { ...answer, tools: answer.tools.with(at, { ...answer.tools[at], ...fields }) };
}

/**
 * Counts the time in which nothing but a reader's decision was missing.
 * @param {ShownMessage} answer
 * @param {number} at
 */
function waited(answer, at) {
  const asks = answer.tools.some(({ approval, done, questions }) => !done && (approval === "asked" || questions?.length));
  if (asks) return { ...answer, askedSince: answer.askedSince ?? at };
  const waitedMs = answer.waitedMs + (answer.askedSince === null ? 0 : at - answer.askedSince);
  return { ...answer, askedSince: null, waitedMs };
}

/** @param {any} data @param {number|null} since @returns {import("./types.js").ToolCall} */
function called(data, since) {
  return { ...data, approval: null, expires: null, done: false, result: null, error: null, since };
}

/**
 * An agent that works, and then announces a step, is at the new step.
 * @param {ShownMessage} answer
 */
function worked(answer) {
  return answer.steps.length ? { ...answer, stepWorked: true } : answer;
}

/**
 * An agent that says which step is current has finished the last one when its text begins.
 * @param {ShownMessage} answer
 */
function answered(answer) {
  return answer.stepsTold ? { ...answer, step: 0 } : worked(answer);
}

/** @param {ShownMessage} answer @param {number} at @returns {ShownMessage} */
function ended(answer, at) {
  return { ...thoughtUntil(answer, at), status: "done", stopping: false, waiting: false };
}

/** @param {ShownMessage} answer @param {number} at @returns {ShownMessage} */
function thoughtUntil(answer, at) {
  if (answer.thinkingSince === null) return answer;
  const thinkingMs = answer.watched ? answer.thinkingMs + at - answer.thinkingSince : 0;
  return { ...answer, thinkingSince: null, thinkingMs, parts: thought(answer.parts, at) };
}
