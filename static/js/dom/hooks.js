// @ts-check
/** Small helpers for the markup: its `data-*` hooks and its templates. */

/**
 * The element that carries `data-<name>`. The markup is ours, so a missing hook is a mistake: it
 * throws.
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement}
 */
export function hook(root, name) {
  const found = root.querySelector(`[data-${name}]`);
  if (!(found instanceof HTMLElement)) throw new Error(`the markup has no [data-${name}]`);
  return found;
}

/**
 * A copy of the element inside `<template data-template="name">`.
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement}
 */
export function cloned(root, name) {
  const template = root.querySelector(`template[data-template="${name}"]`);
  if (!(template instanceof HTMLTemplateElement)) throw new Error(`the markup has no template ${name}`);
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/**
 * Writing the same text again would disturb a selection.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Says something to screen readers, which would pass over a text that is there already.
 * @param {ParentNode} root
 * @param {string} text
 */
export function announce(root, text) {
  const node = hook(root, "announcer");
  node.textContent = node.textContent === text ? `${text}\u00a0` : text;
}

/**
 * Whether the key is an input method's own. Safari tells of the one that ends a composition
 * afterwards, with the code 229.
 * @param {KeyboardEvent} event
 */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

/** Whether nothing on the page has the focus. @param {Node} node  any node of the page */
export function nothingHasFocus({ ownerDocument }) {
  const focused = ownerDocument?.activeElement ?? null;
  return focused === null || focused === ownerDocument?.body;
}

/**
 * Puts `nodes` into `parent` in this order and removes its other children. A node that is already
 * in its place is not moved.
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

/** Whether a finger is what points, and the keyboard, if it comes, takes half of the screen. */
export function isTouched() {
  return matchMedia("(pointer: coarse)").matches;
}
