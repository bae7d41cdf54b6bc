// @ts-check
/** The style sheet of what an asker opens, loaded at need. */

const ADDRESS = new URL("../../css/asking.css", import.meta.url).href;
/** @type {WeakMap<Element, Promise<unknown>>} */
const settled = new WeakMap();

/**
 * Settles when the sheet holds, or cannot be had, in the tree of `node`, which may be a shadow root's.
 * @param {Node} node
 */
export async function withSheet(node) {
  const tree = node.getRootNode();
  const place = tree instanceof ShadowRoot ? tree : document.head;
  const link = place.querySelector(`link[href="${ADDRESS}"]`) ?? begun(place);
  await settled.get(link);
}

/** @param {ParentNode} place */
function begun(place) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: ADDRESS });
  settled.set(link, new Promise((resolve) => {
    link.onload = resolve;
    link.onerror = () => resolve(link.remove()); // the next one who needs it asks again
  }));
  place.append(link);
  return link;
}
