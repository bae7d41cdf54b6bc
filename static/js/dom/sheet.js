// @ts-check
/** Style sheets that are loaded at need. */

const ASKING = new URL("../../css/asking.css", import.meta.url).href;

/**
 * Settles when the sheet holds in the tree of `node`, which may be a shadow root's.
 * @param {Node} node
 * @param {string} [address]
 */
export async function withSheet(node, address = ASKING) {
  const tree = node.getRootNode();
  const place = tree instanceof ShadowRoot ? tree : document.head;
  if (place.querySelector(`link[href="${address}"]`)) return;
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
  const settled = new Promise((resolve) => ["load", "error"].forEach((type) => sheet.addEventListener(type, resolve)));
  place.append(sheet);
  await settled;
}
