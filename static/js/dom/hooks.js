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
