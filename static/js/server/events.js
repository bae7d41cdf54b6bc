// @ts-check
/**
 * The events of an answer, by their names in the dialect `message`. No other module spells these
 * names.
 */

export const EVENT = Object.freeze({
  queued: "queued",
  reasoningDelta: "reasoning_delta",
  contentDelta: "content_delta",
  toolCall: "tool_call",
  toolApproval: "tool_approval",
  toolQuestion: "tool_question",
  toolProgress: "tool_progress",
  toolResult: "tool_result",
  planStep: "plan_step",
  source: "source",
  file: "file",
  reset: "reset",
  heartbeat: "heartbeat",
  completed: "completed",
  error: "error",
});

/** Whether this event is a log's last. @param {string} name */
export function isTerminal(name) {
  return name === EVENT.completed || name === EVENT.error;
}
