// @ts-check
/**
 * highlight.js's markup as nodes, without an HTML parser: spans with a class of its own and text
 * are all that can come of it, whatever the markup says.
 */

const PIECE = /<span class="([^"]*)">|<\/span>|[^<]+/g;
const CLASSES = /^[\w -]*$/;
/** @type {Record<string, string>} */
const CHARACTERS = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#x27;": "'" };

/**
 * The lines, so many in each box. A text that needs one box alone has none.
 * @param {string} markup
 * @param {number} most
 * @returns {Generator<Node>}
 */
export function* colouredLines(markup, most) {
  /** @type {HTMLElement} */
  let box = span("code-lines");
  /** @type {HTMLElement[]} the spans that are open, outermost first */
  let open = [];
  let lines = 0;
  let isFirst = true;
  const isFull = () => lines === most;
  const next = () => {
    const full = box;
    box = span("code-lines");
    open = copied(open, box);
    lines = 0;
    isFirst = false;
    return full;
  };
  for (const [piece, classes] of markup.matchAll(PIECE)) {
    if (classes !== undefined) {
      if (isFull()) yield next();
      const opened = span(classes);
      (open.at(-1) ?? box).append(opened);
      open.push(opened);
      continue;
    }
    if (piece === "</span>") {
      open.pop();
      continue;
    }
    for (const line of piece.match(/[^\n]*\n|[^\n]+/g) ?? []) {
      if (isFull()) yield next();
      (open.at(-1) ?? box).append(line.replace(/&(?:lt|gt|amp|quot|#x27);/g, (name) => CHARACTERS[name]));
      if (line.endsWith("\n")) lines += 1;
    }
  }
  if (isFirst) yield* [...box.childNodes];
  else yield box;
}

/**
 * The open spans once more, in the next box.
 * @param {HTMLElement[]} open
 * @param {HTMLElement} box
 */
function copied(open, box) {
  /** @type {HTMLElement[]} */
  const copies = [];
  for (const { className } of open) {
    const copy = span(className);
    (copies.at(-1) ?? box).append(copy);
    copies.push(copy);
  }
  return copies;
}

/** @param {string} classes */
function span(classes) {
  const made = document.createElement("span");
  if (CLASSES.test(classes)) made.className = classes;
  return made;
}
