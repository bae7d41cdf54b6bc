// @ts-check
/** What several modules ask of the state. Pure. */

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").ShownMessage} ShownMessage */

/**
 * The answer that is being written, if one is.
 * @param {State} state
 * @returns {ShownMessage|undefined}
 */
export function runningAnswer(state) {
  return state.messages.findLast((message) => message.status === "running");
}

/**
 * Whether an answer asks its reader something that nobody has decided yet.
 * @param {ShownMessage} answer
 */
export function asks({ askedSince, tools }) {
  const isOpen = (/** @type {import("./types.js").ToolCall} */ { approval, done, deciding, questions }) =>
    !done && !deciding && (approval === "asked" || Boolean(questions?.length));
  return askedSince !== null && tools.some(isOpen);
}

/** Whether the conversation that is shown waits for its reader. @param {State} state */
export function waitsForReader(state) {
  const answer = runningAnswer(state);
  return Boolean(answer && asks(answer));
}

/** Whether the conversation that is shown has instructions or limits of its own. @param {State} state */
export function isSet({ opened, conversationId }) {
  const { instructions, temperature, max_tokens } = (opened?.id === conversationId && opened?.settings) || {};
  return Boolean(instructions) || (temperature ?? null) !== null || (max_tokens ?? null) !== null;
}

/** The other conversations that wait for their reader, as the list has them. @param {State} state */
export function waitingElsewhere({ conversations, conversationId }) {
  return conversations.filter(({ id, waiting }) => waiting && id !== conversationId);
}

/** Those that wait since the last change. @param {import("./types.js").Change} change */
export function newlyWaiting({ state, previous }) {
  const known = new Set(waitingElsewhere(previous).map(({ id }) => id));
  return waitingElsewhere(state).filter(({ id }) => !known.has(id));
}

/**
 * Whether the answer that was being written no longer is.
 * @param {State} state
 * @param {State} previous
 */
export function hasAnswerEnded(state, previous) {
  return Boolean(runningAnswer(previous)) && !runningAnswer(state);
}

/** Whether an answer is complete, or as complete as it was to be. @param {ShownMessage} answer */
export function endedWell({ status, error, finish_reason }) {
  return status === "done" && !error && finish_reason !== "cancelled" && finish_reason !== "interrupted";
}

/** The title of the conversation that is shown, if it is known. @param {State} state */
export function titleOf({ conversations, conversationId, opened }) {
  return [...conversations, opened].find((each) => each?.id === conversationId)?.title;
}

/** Whether an answer was cut off, and a model may go on with it. @param {ShownMessage} answer */
export function canContinue({ status, finish_reason, content, id }) {
  const whole = ["stop", "content_filter"].includes(finish_reason ?? "stop");
  return status === "done" && !whole && Boolean(id && content.trim());
}

/**
 * The provider and model of the next question; null leaves them to the server.
 * @param {State} state
 */
export function effectiveChoice({ catalogue, choice, usual }) {
  return [choice, usual].find((each) => isOffered(catalogue, each)) ?? catalogue.default;
}

/** What is known of the model of the next question. @param {State} state @returns {import("./types.js").ModelFacts} */
function factsOf(state) {
  const choice = effectiveChoice(state);
  const provider = state.catalogue.providers.find(({ name }) => name === choice?.provider);
  return (choice && provider?.facts?.[choice.model]) ?? {};
}

/** Whether one can say if the model thinks; unless more is known, one can. @param {State} state */
export function canSwitchThinking(state) {
  return !["always", "never"].includes(factsOf(state).thinking ?? "");
}

/** The model, if it cannot take what is attached. @param {State} state */
export function misfit(state) {
  const hasPicture = state.attached.some(({ media_type }) => media_type.startsWith("image/"));
  return hasPicture && factsOf(state).pictures === false ? effectiveChoice(state)?.model ?? null : null;
}

/**
 * Whether the model may call this tool in the next answer.
 * @param {State} state
 * @param {import("./types.js").Tool} tool
 */
export function mayCall(state, tool) {
  if (state.tools) return state.tools.includes(tool.name);
  return effectiveAgent(state) ? tool.agent_default : tool.default;
}

/**
 * The names of the tools to send, without those that the server no longer has; null leaves them to
 * the server.
 * @param {State} state
 */
export function effectiveTools({ offer, tools }) {
  return offer && tools ? tools.filter((name) => offer.tools.some((tool) => tool.name === name)) : tools;
}

/** The agent that answers; null is the model itself. @param {State} state */
export function effectiveAgent({ offer, agent }) {
  return !offer || (agent && offer.agents.includes(agent)) ? agent : null;
}

/**
 * @param {import("./types.js").Catalogue} catalogue
 * @param {import("./types.js").Choice|null} choice
 */
function isOffered(catalogue, choice) {
  if (!choice) return false;
  const provider = catalogue.providers.find((each) => each.name === choice.provider);
  return provider ? provider.models.includes(choice.model) : catalogue.providers.length === 0;
}
