// @ts-check
/** A part of the page that is loaded when somebody asks for it. */

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
