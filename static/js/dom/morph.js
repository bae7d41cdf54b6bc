// @ts-check
/**
 * Makes nodes equal to others by changing as little as possible. What stays the same stays the same
 * node: a selection in it survives, and the browser styles and lays out nothing but the rest.
 */

/**
 * The nodes that stand in the document afterwards, equal to `wanted`.
 * @param {Element[]} current  siblings, one behind the other; at least one
 * @param {Element[]} wanted
 * @returns {Element[]}
 */
export function morphed(current, wanted) {
  const parent = /** @type {ParentNode & Node} */ (current[0].parentNode);
  const after = current[current.length - 1].nextSibling;
  for (const surplus of current.slice(wanted.length)) surplus.remove();
  return wanted.map((node, at) => {
    if (at < current.length) return /** @type {Element} */ (replaced(current[at], node));
    return parent.insertBefore(node, after);
  });
}

/** @param {ChildNode} current @param {ChildNode} wanted @returns {ChildNode} */
function replaced(current, wanted) {
  if (current.nodeName !== wanted.nodeName) {
    current.replaceWith(wanted);
    return wanted;
  }
  if (current instanceof Text && wanted instanceof Text) writeText(current, wanted.data);
  if (current instanceof Element && wanted instanceof Element && !current.isEqualNode(wanted)) adopt(current, wanted);
  return current;
}

/** @param {Element} current @param {Element} wanted */
function adopt(current, wanted) {
  const names = (/** @type {Element} */ node) => node.getAttributeNames().join(" ");
  if (names(current) !== names(wanted)) current.getAttributeNames().forEach((name) => current.removeAttribute(name));
  for (const { name, value } of wanted.attributes) {
    if (current.getAttribute(name) !== value) current.setAttribute(name, value);
  }
  const [have, want] = [[...current.childNodes], [...wanted.childNodes]];
  for (const surplus of have.slice(want.length)) surplus.remove();
  want.forEach((child, at) => (at < have.length ? replaced(have[at], child) : current.append(child)));
}

/** A range in the beginning that both texts share is not touched. @param {Text} node @param {string} text */
function writeText(node, text) {
  const { data } = node;
  let same = 0;
  while (same < data.length && data[same] === text[same]) same += 1;
  if (same < data.length || same < text.length) node.replaceData(same, data.length - same, text.slice(same));
}
