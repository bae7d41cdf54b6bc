// @ts-check
/** Questions about the state that more than one part of the page has. Pure. */

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").ShownMessage} ShownMessage */

/** The answer that is being written, if one is. @param {State} state @returns {ShownMessage|undefined} */
export function runningAnswer(state) {
  return state.messages.findLast((message) => message.status === "running");
}

/** What the next question goes to; null leaves it to the server. @param {State} state */
export function effectiveChoice(state) {
  return isOffered(state.catalogue, state.choice) ? state.choice : state.catalogue.default;
}

/** Whether the model may call this tool in the next answer. @param {State} state @param {import("./types.js").Tool} tool */
export function mayCall(state, tool) {
  if (state.tools) return state.tools.includes(tool.name);
  return effectiveAgent(state) ? tool.agent_default : tool.default;
}

/** The names that are sent; null leaves it to the server. What is not there now is left out. @param {State} state */
export function effectiveTools({ offer, tools }) {
  return offer && tools ? tools.filter((name) => offer.tools.some((tool) => tool.name === name)) : tools;
}

/** @param {State} state */
export function effectiveAgent({ offer, agent }) {
  return !offer || (agent && offer.agents.includes(agent)) ? agent : null;
}

/** @param {import("./types.js").Catalogue} catalogue @param {import("./types.js").Choice|null} choice */
function isOffered(catalogue, choice) {
  if (!choice) return false;
  const provider = catalogue.providers.find((each) => each.name === choice.provider);
  return provider ? provider.models.includes(choice.model) : catalogue.providers.length === 0;
}
