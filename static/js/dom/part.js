// @ts-check
/** A part of the page that is loaded when somebody asks for it. */

/** Milliseconds. */
const AGAIN_AFTER_MS = 5000;

/** Sent from where it was asked for; the chat's notice says that the server cannot be reached. */
export const MISSING = "part-missing";
/** Sent from the same place when what the page cannot be without is there after all. */
export const FOUND = "part-found";

/**
 * The module; null if it cannot be had.
 * @template T
 * @param {Node} node  where it was asked for
 * @param {Promise<T>} module
 * @returns {Promise<T|null>}
 */
export async function part(node, module) {
  const loaded = await unlessMissing(module);
  if (!loaded) tell(node, MISSING);
  return loaded;
}

/**
 * The module of a part that the page cannot be without: it is asked for until it is there; null if
 * it is no longer wanted. That it is missing is told once.
 * @template T
 * @param {Node} node
 * @param {() => Promise<T>} load
 * @param {AbortSignal} [signal]
 * @returns {Promise<T|null>}
 */
export async function needed(node, load, signal) {
  for (let told = false; !signal?.aborted; told = true) {
    const loaded = await unlessMissing(load());
    if (loaded && told) tell(node, FOUND);
    if (loaded) return loaded;
    if (!told) tell(node, MISSING);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
  }
  return null;
}

/** @template T @param {Promise<T>} module @returns {Promise<T|null>} */
async function unlessMissing(module) {
  try {
    return await module;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // no fault of the network
    return null;
  }
}

/** @param {Node} node @param {string} type */
function tell(node, type) {
  node.dispatchEvent(new CustomEvent(type, { bubbles: true }));
}
