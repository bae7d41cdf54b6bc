// @ts-check
/**
 * A small menu beside the model: the tools that the next answer may call, and the agent that gives
 * it. It is hidden if there is nothing to choose. This browser remembers the choice; until there is
 * one, the server's defaults hold.
 */

import { closing } from "../dom/closing.js";
import { cloned, hook, setText } from "../dom/hooks.js";
import { remember } from "../dom/storage.js";
import { t } from "../language.js";
import { effectiveAgent, mayCall } from "../state/selectors.js";
import { AGENT_KEY, TOOLS_KEY } from "./choices.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").State} State */
/** @typedef {import("../state/types.js").Tool} Tool */

export class ToolPicker extends View {
  /**
   * @param {HTMLElement} root
   * @param {import("../state/store.js").Store} store
   * @param {import("../actions.js").Actions} actions
   */
  constructor(root, store, actions) {
    super(root);
    this.store = store;
    this.actions = actions;
    this.menu = /** @type {HTMLDetailsElement} */ (hook(root, "offer"));
    this.agent = /** @type {HTMLSelectElement} */ (hook(this.menu, "agent"));
    this.list = hook(this.menu, "tool-choices");
    this.summary = hook(this.menu, "offer-summary");
  }

  start() {
    this.on(this.agent, "change", () => this.#onAgent());
    this.on(this.list, "change", ({ target }) => this.#onTool(target));
    this.on(this.menu, "toggle", () => this.menu.open && this.actions.refreshOffer());
    this.on(this.menu, "keydown", (event) => this.#onKeydown(event));
    closing(this, this.menu);
    this.on(this.store, "change", ({ detail }) => this.#onChange(detail));
    const { state } = this.store;
    this.#onChange({ state, previous: { ...state, offer: null } });
  }

  #onAgent() {
    const agent = this.agent.value || null;
    remember(AGENT_KEY, agent);
    this.store.dispatch({ type: "agent-chosen", agent });
  }

  /** A choice that equals the server's defaults is forgotten. @param {HTMLInputElement} box */
  #onTool(box) {
    const { state } = this.store;
    const offered = state.offer?.tools ?? [];
    const callable = offered.filter((tool) => mayCall(state, tool)).map((tool) => tool.name);
    const names = new Set(state.tools ?? callable);
    if (box.checked) names.add(box.value);
    else names.delete(box.value);
    const usual = offered.filter((tool) => mayCall({ ...state, tools: null }, tool));
    const isUsual = usual.length === names.size && usual.every((tool) => names.has(tool.name));
    const tools = isUsual ? null : [...names];
    remember(TOOLS_KEY, tools);
    this.store.dispatch({ type: "tools-chosen", tools });
  }

  /** @param {KeyboardEvent} event */
  #onKeydown(event) {
    if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault(); // Enter would send the prompt
  }

  /** @param {import("../state/types.js").Change} change */
  #onChange({ state, previous }) {
    if (!state.offer) return;
    const fresh = state.offer !== previous.offer && JSON.stringify(state.offer) !== JSON.stringify(previous.offer);
    if (fresh) this.#fill(state.offer);
    const chosen = state.tools !== previous.tools || state.agent !== previous.agent;
    if (fresh || chosen) this.#show(state, state.offer);
  }

  /** @param {import("../state/types.js").Offer} offer */
  #fill({ tools, agents, problems }) {
    const troubles = Object.entries(problems);
    this.menu.hidden = tools.length + agents.length + troubles.length === 0;
    hook(this.menu, "agent-row").hidden = agents.length === 0;
    const none = new Option(t("None: the model itself"), "");
    this.agent.replaceChildren(none, ...agents.map((name) => new Option(name, name)));
    hook(this.menu, "tool-choice").hidden = tools.length === 0;
    this.list.replaceChildren(...tools.map((tool) => this.#choice(tool)));
    hook(this.menu, "offer-trouble").hidden = troubles.length === 0;
    hook(this.menu, "problems").hidden = troubles.length === 0;
    hook(this.menu, "problems").replaceChildren(...troubles.map(problemOf));
  }

  /** @param {Tool} tool */
  #choice(tool) {
    const item = cloned(this.root, "tool-choice");
    /** @type {HTMLInputElement} */ (hook(item, "tool-box")).value = tool.name;
    setText(hook(item, "choice-name"), tool.name);
    setText(hook(item, "choice-notes"), [tool.server, tool.ask && t("asks first")].filter(Boolean).join(" · "));
    setText(hook(item, "choice-words"), t(tool.description)); // the built-in ones have translations
    return item;
  }

  /** @param {State} state @param {import("../state/types.js").Offer} offer */
  #show(state, offer) {
    const agent = effectiveAgent(state);
    const chosen = new Set(offer.tools.filter((tool) => mayCall(state, tool)).map((tool) => tool.name));
    for (const box of this.list.querySelectorAll("input")) box.checked = chosen.has(box.value);
    this.agent.value = agent ?? "";
    this.summary.toggleAttribute("data-active", agent !== null || chosen.size > 0);
    setText(hook(this.summary, "offer-label"), agent ?? t("Tools"));
    setText(hook(this.summary, "offer-count"), chosen.size ? String(chosen.size) : "");
  }
}

/** @param {[string, string]} problem */
function problemOf([server, words]) {
  const item = document.createElement("li");
  item.textContent = t("{name}: {words}", { name: server, words });
  return item;
}
