// @ts-check
/**
 * What the events of a run make of an answer. Pure: the time comes with the event, nothing is fetched or drawn.
 * Rendering an answer is a fold over its log, so a reload (which reads the log from its start) and a watched
 * answer end in the same value.
 */

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
    steps: [],
    thinkingSince: null,
    thinkingMs: 0,
    watched: false,
    stopping: false,
    waiting: false,
    ...message,
    ...extra,
  };
}

/**
 * An answer of which nothing is known yet.
 * @param {Partial<ShownMessage>} fields
 * @returns {ShownMessage}
 */
export function blankAnswer(fields) {
  return shown({
    id: "", conversation_id: "", role: "assistant", status: "running", content: "", reasoning: "", tools: [],
    finish_reason: null, error: null, usage: null, timing: null, provider: null, model: null, created: "",
    events_url: null,
  }, fields);
}

/**
 * The answer before its log's first event: whatever was held is told again.
 * @param {ShownMessage} answer
 * @returns {ShownMessage}
 */
export function forgotten(answer) {
  return { ...answer, content: "", reasoning: "", tools: [], steps: [], thinkingSince: null, thinkingMs: 0 };
}

/**
 * @param {ShownMessage} answer
 * @param {string} name  the event's name on the wire
 * @param {any} data
 * @param {number} at    milliseconds on the page's clock
 * @returns {ShownMessage}
 */
export function applyEvent(answer, name, data, at) {
  const handle = EVENTS[name];
  if (!handle || answer.status === "done") return answer;
  return handle(answer, data, at);
}

/** @type {Record<string, (answer: ShownMessage, data: any, at: number) => ShownMessage>} */
const EVENTS = {
  reasoning_delta: (answer, data, at) => ({
    ...answer, reasoning: answer.reasoning + data.delta, thinkingSince: answer.thinkingSince ?? at,
  }),
  content_delta: (answer, data, at) => ({ ...thoughtUntil(answer, at), content: answer.content + data.delta }),
  tool_call: (answer, data, at) => ({ ...thoughtUntil(answer, at), tools: [...answer.tools, data] }),
  tool_result: (answer, data) => ({
    ...answer,
    tools: answer.tools.map((tool) => (tool.id === data.tool_call_id ? withOutcome(tool, data) : tool)),
  }),
  plan_step: (answer, data) => ({ ...answer, steps: [...answer.steps, data.text] }),
  reset: (answer) => forgotten(answer),
  completed: (answer, data, at) => ({
    ...ended(answer, at),
    content: data.content ?? answer.content,
    finish_reason: data.finish_reason,
    usage: data.usage ?? null,
    timing: data.timing ?? null,
  }),
  error: (answer, data, at) => ({
    ...ended(answer, at),
    finish_reason: data.code === "interrupted" ? "interrupted" : "error",
    error: data,
  }),
};

/** @param {import("./types.js").ToolCall} tool @param {any} data */
function withOutcome(tool, data) {
  return { ...tool, result: data.result ?? null, error: data.error ?? null };
}

/** @param {ShownMessage} answer @param {number} at @returns {ShownMessage} */
function ended(answer, at) {
  return { ...thoughtUntil(answer, at), status: "done", stopping: false, waiting: false };
}

/** @param {ShownMessage} answer @param {number} at @returns {ShownMessage} */
function thoughtUntil(answer, at) {
  if (answer.thinkingSince === null) return answer;
  const thinkingMs = answer.watched ? answer.thinkingMs + at - answer.thinkingSince : 0;
  return { ...answer, thinkingSince: null, thinkingMs };
}
