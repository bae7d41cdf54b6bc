// @ts-check
/** A question of a running tool: its words, a form for what it asks, and three ways to reply. */

import { cloned, hook, setText } from "../dom/hooks.js";
import { t } from "../language.js";
import { timeLeft } from "./labels.js";
import { View } from "./view.js";

/** @typedef {import("../state/types.js").Question} Question */
/** @typedef {{action: "accept"|"decline"|"cancel", content?: Record<string, unknown>}} Said */
/** @typedef {{type?: string, title?: string, description?: string, default?: any, [rule: string]: any}} Field */

/** @type {Record<string, string>} */
const INPUT_TYPES = { email: "email", uri: "url", date: "date" };
let count = 0;

export class QuestionForm extends View {
  /** @type {Map<string, {field: Field, node: HTMLElement, read: () => unknown}>} */ #fields = new Map();

  /**
   * @param {HTMLElement} root
   * @param {Question} question
   * @param {(said: Said) => void} say
   */
  constructor(root, question, say) {
    super(root);
    this.question = question;
    this.node = cloned(root, "tool-question");
    const words = hook(this.node, "question-message");
    words.id = `question-${(count += 1)}`;
    this.node.setAttribute("aria-labelledby", words.id);
    setText(words, question.message);
    const { properties = {}, required = [] } = question.schema;
    for (const [name, field] of Object.entries(properties)) this.#add(name, field, required.includes(name));
    this.on(this.node, "submit", (event) => {
      event.preventDefault();
      say({ action: "accept", content: this.#content() });
    });
    this.on(hook(this.node, "decline"), "click", () => say({ action: "decline" }));
    this.on(hook(this.node, "dismiss"), "click", () => say({ action: "cancel" }));
    this.showTime();
  }

  showTime() {
    setText(hook(this.node, "question-left"), timeLeft(this.question.expires, Date.now() / 1000));
  }

  remove() {
    this.stop();
    this.node.remove();
  }

  /** @param {string} name @param {Field} field @param {boolean} required */
  #add(name, field, required) {
    const row = cloned(this.root, "tool-question-field");
    const { node, read } = controlFor(field, required);
    node.id = `question-${(count += 1)}`;
    const label = /** @type {HTMLLabelElement} */ (hook(row, "field-label"));
    label.htmlFor = node.id;
    setText(label, field.title || name);
    const words = hook(row, "field-words");
    setText(words, [field.description, required ? "" : t("optional")].filter(Boolean).join(" · "));
    words.id = `${node.id}-words`;
    node.setAttribute("aria-describedby", words.id);
    words.before(node);
    hook(this.node, "question-fields").append(row);
    this.#fields.set(name, { field, node, read });
  }

  /** What is filled in; a field that was left empty is left out. */
  #content() {
    const filled = [...this.#fields].map(([name, { read }]) => [name, read()]);
    return Object.fromEntries(filled.filter(([, value]) => value !== undefined));
  }
}

/**
 * The control of a field, and what reads it.
 * @param {Field} field
 * @param {boolean} required
 * @returns {{node: HTMLElement, read: () => unknown}}
 */
function controlFor(field, required) {
  const choices = choicesOf(field);
  if (choices) return selectFor(choices, field, required);
  const node = document.createElement("input");
  if (field.type === "boolean") {
    node.type = "checkbox";
    node.checked = field.default === true;
    return { node, read: () => node.checked };
  }
  const isNumber = field.type === "number" || field.type === "integer";
  node.type = isNumber ? "number" : INPUT_TYPES[field.format] ?? "text";
  node.required = required;
  if (isNumber) {
    node.step = field.type === "integer" ? "1" : "any";
    bound(node, { min: field.minimum, max: field.maximum });
  } else {
    bound(node, { minlength: field.minLength, maxlength: field.maxLength });
  }
  if (field.default !== undefined) node.value = String(field.default);
  return { node, read: () => (node.value === "" ? undefined : isNumber ? Number(node.value) : node.value) };
}

/**
 * @param {{value: string, label: string}[]} choices
 * @param {Field} field
 * @param {boolean} required
 */
function selectFor(choices, field, required) {
  const node = document.createElement("select");
  node.multiple = field.type === "array";
  node.required = required && !node.multiple;
  const preset = [field.default ?? []].flat();
  if (!node.multiple) node.add(new Option("", ""));
  for (const { value, label } of choices) node.add(new Option(label, value, false, preset.includes(value)));
  const read = () =>
    node.multiple ? [...node.selectedOptions].map((option) => option.value) : node.value || undefined;
  return { node, read };
}

/**
 * The values that may be chosen, with their titles; null if anything may be written.
 * @param {Field} field
 * @returns {{value: string, label: string}[]|null}
 */
function choicesOf(field) {
  const source = field.type === "array" ? field.items : field;
  const titled = source.oneOf ?? source.anyOf;
  if (titled) return titled.map((/** @type {any} */ each) => ({ value: each.const, label: each.title ?? each.const }));
  const names = source.enumNames ?? source.enum;
  return source.enum?.map((/** @type {string} */ value, /** @type {number} */ at) => ({ value, label: names[at] })) ?? null;
}

/** @param {HTMLInputElement} node @param {Record<string, unknown>} bounds */
function bound(node, bounds) {
  for (const [name, value] of Object.entries(bounds)) {
    if (typeof value === "number") node.setAttribute(name, String(value));
  }
}
