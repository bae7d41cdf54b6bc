// @ts-check
/** Markup for what is loaded at need, and so has no place in the page's templates. */

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {...(Node|string)} children  text stays text
 */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/**
 * @param {string} label
 * @param {string} look  its classes
 * @param {Record<string, string>} attributes
 * @param {(event: Event) => void} act
 */
export function button(label, look, attributes, act) {
  const node = element("button", { type: "button", class: look, ...attributes }, label);
  node.addEventListener("click", act);
  return node;
}
