// @ts-check
/** The events of an answer, by the names that they have in the dialect `message`. Nobody else spells them. */

export const EVENT = Object.freeze({
  reasoningDelta: "reasoning_delta",
  contentDelta: "content_delta",
  toolCall: "tool_call",
  toolApproval: "tool_approval",
  toolResult: "tool_result",
  planStep: "plan_step",
  reset: "reset",
  heartbeat: "heartbeat",
  completed: "completed",
  error: "error",
});

/** After one of these the log holds no more. @param {string} name */
export function isTerminal(name) {
  return name === EVENT.completed || name === EVENT.error;
}
