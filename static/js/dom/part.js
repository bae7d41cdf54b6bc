// @ts-check
/** A part of the page that is loaded when somebody asks for it. */

/** Milliseconds. */
const AGAIN_AFTER_MS = 5000;

/** Sent from where it was asked for; the chat's notice says that the server cannot be reached. */
export const MISSING = "part-missing";

/**
 * The module; null if it cannot be had.
 * @template T
 * @param {Node} node  where it was asked for
 * @param {Promise<T>} module
 * @returns {Promise<T|null>}
 */
export async function part(node, module) {
  try {
    return await module;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // no fault of the network
    node.dispatchEvent(new CustomEvent(MISSING, { bubbles: true }));
    return null;
  }
}

/**
 * The module of a part that the page cannot be without: it is asked for until it is there.
 * @template T
 * @param {Node} node
 * @param {() => Promise<T>} load
 * @returns {Promise<T>}
 */
export async function needed(node, load) {
  for (;;) {
    const loaded = await part(node, load());
    if (loaded) return loaded;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
  }
}
