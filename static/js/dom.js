// @ts-check
/** Small helpers around the page's markup: its `data-*` hooks and its templates. */

/**
 * The element that carries `data-<name>`. The markup is ours, so a missing one is a mistake and says so.
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement}
 */
export function hook(root, name) {
  const found = root.querySelector(`[data-${name}]`);
  if (!(found instanceof HTMLElement)) throw new Error(`the page has no [data-${name}]`);
  return found;
}

/** A copy of what `<template id>` holds. @param {string} id @returns {HTMLElement} */
export function cloned(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** Writing the same text again would disturb a selection. @param {Element} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Puts `nodes` into `parent` in this order, moving none that stands right, and removes what else is there.
 * @param {Element} parent
 * @param {Element[]} nodes
 */
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, at) => {
    if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null);
  });
}

/**
 * Calls `work` at once and then at most every `interval` ms while it is asked for (throttled, not debounced: under a
 * steady stream it still runs). If the work itself is slow, the pauses grow with it, so that the page stays usable.
 * @param {() => void} work
 * @param {number} interval
 */
export function throttled(work, interval) {
  /** @type {number|undefined} */
  let timer;
  let next = 0;
  const run = () => {
    timer = undefined;
    const started = performance.now();
    work();
    const ended = performance.now();
    next = ended + Math.max(interval - (ended - started), 3 * (ended - started));
  };
  return () => {
    timer ??= setTimeout(run, Math.max(0, next - performance.now()));
  };
}

/** @param {string} text @returns {Promise<void>} */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // plain HTTP from another machine has no clipboard object
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

/** Copies and says so on the button for a moment. @param {HTMLElement} button @param {string} text */
export async function copyFrom(button, text) {
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent ?? "";
  if (button.dataset.copied !== undefined) return;
  await copyText(text);
  button.dataset.copied = "";
  label.textContent = "Copied";
  setTimeout(() => {
    delete button.dataset.copied;
    label.textContent = before;
  }, 1600);
}
