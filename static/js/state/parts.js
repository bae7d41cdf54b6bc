// @ts-check
/**
 * An answer as an ordered list of parts: what it thought, said, called, planned and made, in the
 * order in which it came. Pure. Text that came without anything else in between is one part, and so
 * are calls; a source stands behind the text that cites it and does not cut it. Calls and files are
 * the answer's `tools` and `files` from one index up to another, exclusive.
 */

/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").Message} Message */

/** @param {Part[]} parts @param {string} delta @returns {Part[]} */
export function withText(parts, delta) {
  const last = parts[parts.length - 1];
  if (last?.type === "text") return parts.with(-1, { ...last, text: last.text + delta });
  return [...parts, { type: "text", text: delta }];
}

/** @param {Part[]} parts @param {string} delta @param {number} at  milliseconds on the page's clock @returns {Part[]} */
export function withThought(parts, delta, at) {
  const last = parts[parts.length - 1];
  if (last?.type === "thought" && last.since !== null) return parts.with(-1, { ...last, text: last.text + delta });
  return [...parts, { type: "thought", text: delta, since: at, ms: 0 }];
}

/** The thought is over. @param {Part[]} parts @param {number} at @returns {Part[]} */
export function thought(parts, at) {
  const last = parts[parts.length - 1];
  if (last?.type !== "thought" || last.since === null) return parts;
  return parts.with(-1, { ...last, since: null, ms: at - last.since });
}

/** One more call, or file. @param {Part[]} parts @param {"calls"|"files"} type @param {number} index @returns {Part[]} */
export function withOne(parts, type, index) {
  const last = parts[parts.length - 1];
  if (last?.type === type) return parts.with(-1, { ...last, to: index + 1 });
  return [...parts, { type, from: index, to: index + 1 }];
}

/** The plan stands where its first step was announced. @param {Part[]} parts @returns {Part[]} */
export function withPlan(parts) {
  return parts.some(({ type }) => type === "plan") ? parts : [...parts, { type: "plan" }];
}

/**
 * The whole text, once it is known. What came in several parts has the same text already.
 * @param {Part[]} parts
 * @param {string} content
 * @returns {Part[]}
 */
export function withContent(parts, content) {
  const texts = parts.filter(({ type }) => type === "text");
  if (texts.length > 1 || (texts.length === 0 && !content)) return parts;
  if (texts.length === 0) return [...parts, { type: "text", text: content }];
  return parts.map((part) => (part.type === "text" && part.text !== content ? { ...part, text: content } : part));
}

/**
 * Those of a message from the server.
 * @param {Message} message
 * @returns {Part[]}
 */
export function partsOf(message) {
  /** @type {Part[]} */
  let parts = [];
  let [calls, files] = [0, 0];
  for (const each of message.parts ?? inUsualOrder(message)) {
    if (each.type === "text") parts = [...parts, { type: "text", text: each.text }];
    if (each.type === "thought") parts = [...parts, { type: "thought", text: each.thought, since: null, ms: 0 }];
    if (each.type === "call") parts = withOne(parts, "calls", calls++);
    if (each.type === "file") parts = withOne(parts, "files", files++);
    if (each.type === "plan") parts = withPlan(parts);
  }
  return parts;
}

/** A message whose order is not known. @param {Message} message @returns {any[]} */
function inUsualOrder({ reasoning = "", steps = [], tools = [], content = "", files = [] }) {
  return [
    ...(reasoning ? [{ type: "thought", thought: reasoning }] : []),
    ...(steps.length ? [{ type: "plan" }] : []),
    ...tools.map(() => ({ type: "call" })),
    ...(content ? [{ type: "text", text: content }] : []),
    ...files.map(() => ({ type: "file" })),
  ];
}
