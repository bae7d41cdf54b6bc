// @ts-check
/**
 * Versions of a message: an answer that was made again, a question that was edited. The server keeps
 * all of them, and shows one path through them. Pure.
 */

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").ShownMessage} ShownMessage */

/**
 * The place of a further version of this message, which has no id yet.
 * @param {State} state
 * @param {string} id
 */
export function next({ messages }, id) {
  const ids = [...(messages.find((each) => each.id === id)?.versions?.ids ?? [id]), ""];
  return { versions: { index: ids.length, count: ids.length, ids } };
}

/** The message with the id that the server gave it. @param {ShownMessage} message @param {string} id */
export function named(message, id) {
  const { versions } = message;
  if (!versions) return { ...message, id };
  return { ...message, id, versions: { ...versions, ids: versions.ids.map((each) => each || id) } };
}
