// @ts-check
/**
 * An answer that was continued is one answer to its reader: the parts of both in a row, text on
 * text, even in the middle of a word or of a code block. Pure.
 */

/** @typedef {import("./types.js").ShownMessage} ShownMessage */
/** @typedef {import("./types.js").Part} Part */

/**
 * What is shown of these messages: each that continues the one before it is joined to it.
 * @param {ShownMessage[]} messages
 * @returns {ShownMessage[]}
 */
export function joined(messages) {
  if (!messages.some(({ continues }) => continues)) return messages;
  /** @type {ShownMessage[]} */
  const shown = [];
  for (const message of messages) {
    const last = shown[shown.length - 1];
    if (last && message.continues && message.continues === last.id) shown[shown.length - 1] = both(last, message);
    else shown.push(message);
  }
  return shown;
}

/** @type {WeakMap<ShownMessage, {first: ShownMessage, both: ShownMessage}>} */
const made = new WeakMap();

/**
 * How it stands is told of the second, its place and its versions of the first.
 * @param {ShownMessage} first
 * @param {ShownMessage} second
 */
function both(first, second) {
  const known = made.get(second);
  if (known?.first === first) return known.both;
  const whole = {
    ...second,
    key: first.key,
    root: first.root ?? first.id,
    versions: first.versions,
    content: first.content + second.content,
    reasoning: first.reasoning + second.reasoning,
    tools: [...first.tools, ...second.tools],
    files: [...first.files, ...second.files],
    sources: [...first.sources, ...second.sources.map((source) => further(source, first.content))],
    steps: [...first.steps, ...second.steps],
    parts: inARow(first.parts, second.parts.map((part) => moved(part, first))),
  };
  made.set(second, { first, both: whole });
  return whole;
}

/**
 * Its place in the text of both. The server counts characters, not halves of them.
 * @param {import("./types.js").AnswerSource} source
 * @param {string} before
 */
function further(source, before) {
  return source.end ? { ...source, end: [...before].length + source.end } : source;
}

/** @param {Part} part @param {ShownMessage} first @returns {Part} */
function moved(part, { tools, files }) {
  if (part.type !== "calls" && part.type !== "files") return part;
  const by = (part.type === "calls" ? tools : files).length;
  return { ...part, from: part.from + by, to: part.to + by };
}

/** @param {Part[]} first @param {Part[]} second @returns {Part[]} */
function inARow(first, second) {
  const [last, next] = [first[first.length - 1], second[0]];
  if (last?.type !== "text" || next?.type !== "text") return [...first, ...second];
  return [...first.slice(0, -1), { type: "text", text: last.text + next.text }, ...second.slice(1)];
}
