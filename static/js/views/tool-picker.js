// @ts-check
/**
 * What the next answer may use: the server's tools, and an agent that answers. A small menu beside the model, absent
 * where there is nothing to choose. What was picked is remembered in this browser; until then the server decides.
 */

import { cloned, hook, setText } from "../dom/hooks.js";
import { effectiveAgent, mayCall } from "../state/selectors.js";

/** @typedef {import("../state/types.js").State} State */
/** @typedef {import("../state/types.js").Tool} Tool */

const TOOLS_KEY = "chatapp.tools";
const AGENT_KEY = "chatapp.agent";

export class ToolPicker {
  /** @param {import("../state/store.js").Store} store @param {import("../actions.js").Actions} actions */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.menu = /** @type {HTMLDetailsElement} */ (hook(document, "offer"));
    this.agent = /** @type {HTMLSelectElement} */ (hook(this.menu, "agent"));
    this.list = hook(this.menu, "tool-choices");
    this.summary = hook(this.menu, "offer-summary");
  }

  start() {
    this.agent.addEventListener("change", () => this.#onAgent());
    this.list.addEventListener("change", (event) => this.#onTool(/** @type {HTMLInputElement} */ (event.target)));
    this.menu.addEventListener("toggle", () => this.menu.open && this.actions.refreshOffer());
    this.menu.addEventListener("keydown", (event) => this.#onKeydown(event));
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Node && !this.menu.contains(event.target)) this.menu.open = false;
    });
    this.menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget instanceof Node && !this.menu.contains(event.relatedTarget)) this.menu.open = false;
    });
    this.store.addEventListener("change", (event) => this.#onChange(/** @type {CustomEvent} */ (event).detail));
  }

  #onAgent() {
    const agent = this.agent.value || null;
    remember(AGENT_KEY, agent);
    this.store.dispatch({ type: "agent-chosen", agent });
  }

  /** Back at what the server would offer by itself, nothing is remembered. @param {HTMLInputElement} box */
  #onTool(box) {
    const { state } = this.store;
    const offered = state.offer?.tools ?? [];
    const names = new Set(state.tools ?? offered.filter((tool) => mayCall(state, tool)).map((tool) => tool.name));
    if (box.checked) names.add(box.value);
    else names.delete(box.value);
    const usual = offered.filter((tool) => mayCall({ ...state, tools: null }, tool));
    const tools = usual.length === names.size && usual.every((tool) => names.has(tool.name)) ? null : [...names];
    remember(TOOLS_KEY, tools);
    this.store.dispatch({ type: "tools-chosen", tools });
  }

  /** @param {KeyboardEvent} event */
  #onKeydown(event) {
    if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault(); // it would send the prompt
    if (event.key !== "Escape" || !this.menu.open) return;
    event.stopPropagation();
    this.menu.open = false;
    this.summary.focus();
  }

  /** @param {{state: State, previous: State}} change */
  #onChange({ state, previous }) {
    if (!state.offer) return;
    const fresh = JSON.stringify(state.offer) !== JSON.stringify(previous.offer);
    if (fresh) this.#fill(state.offer);
    if (fresh || state.tools !== previous.tools || state.agent !== previous.agent) this.#show(state, state.offer);
  }

  /** @param {import("../state/types.js").Offer} offer */
  #fill({ tools, agents, problems }) {
    const troubles = Object.entries(problems);
    this.menu.hidden = tools.length + agents.length + troubles.length === 0;
    hook(this.menu, "agent-row").hidden = agents.length === 0;
    this.agent.replaceChildren(new Option("None: the model itself", ""), ...agents.map((name) => new Option(name, name)));
    hook(this.menu, "tool-choice").hidden = tools.length === 0;
    this.list.replaceChildren(...tools.map(choiceOf));
    hook(this.menu, "offer-trouble").hidden = troubles.length === 0;
    hook(this.menu, "problems").hidden = troubles.length === 0;
    hook(this.menu, "problems").replaceChildren(...troubles.map(problemOf));
  }

  /** @param {State} state @param {import("../state/types.js").Offer} offer */
  #show(state, offer) {
    const agent = effectiveAgent(state);
    const chosen = new Set(offer.tools.filter((tool) => mayCall(state, tool)).map((tool) => tool.name));
    for (const box of this.list.querySelectorAll("input")) box.checked = chosen.has(box.value);
    this.agent.value = agent ?? "";
    this.summary.toggleAttribute("data-active", agent !== null || chosen.size > 0);
    setText(hook(this.summary, "offer-label"), agent ?? "Tools");
    setText(hook(this.summary, "offer-count"), chosen.size ? String(chosen.size) : "");
    const trouble = Object.keys(offer.problems).length ? ", a tool server has a problem" : "";
    this.summary.setAttribute("aria-label", `${agent ? `Agent ${agent}, tools` : "Tools"}: ${chosen.size} chosen${trouble}`);
  }
}

/** @returns {Partial<State>} what this browser remembers */
export function rememberedTools() {
  const [tools, agent] = [TOOLS_KEY, AGENT_KEY].map((key) => localStorage.getItem(key));
  return { tools: tools ? JSON.parse(tools) : null, agent: agent ? JSON.parse(agent) : null };
}

/** @param {string} key @param {unknown} value */
function remember(key, value) {
  if (value === null) localStorage.removeItem(key);
  else localStorage.setItem(key, JSON.stringify(value));
}

/** @param {Tool} tool */
function choiceOf(tool) {
  const item = cloned("tool-choice-template");
  /** @type {HTMLInputElement} */ (hook(item, "tool-box")).value = tool.name;
  setText(hook(item, "choice-name"), tool.name);
  setText(hook(item, "choice-notes"), [tool.server, tool.ask && "asks first"].filter(Boolean).join(" · "));
  setText(hook(item, "choice-words"), tool.description);
  return item;
}

/** @param {[string, string]} problem */
function problemOf([server, words]) {
  const item = document.createElement("li");
  item.textContent = `${server}: ${words}`;
  return item;
}
