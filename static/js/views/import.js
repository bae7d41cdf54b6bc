// @ts-check
/** Brings conversations back from files: JSON, or all of them line by line. Loaded at need. */

import { element } from "../dom/element.js";

/** Stands in each conversation that was exported: see chatapp/exchange. */
const FORMAT = '"chatapp-conversation"';

/**
 * Lets the reader choose files, and gives the text of each conversation in them.
 * @param {(conversation: string) => Promise<string|null>} bring  returns the new one's id; null ends it
 * @param {(name: string) => void} refuse  told of a file that is something else, which ends it, too
 * @returns {Promise<string|null>} the last one's id
 */
export async function importFiles(bring, refuse) {
  let last = null;
  for (const file of await chosen()) {
    for (const conversation of conversationsIn(await file.text())) {
      if (!conversation.includes(FORMAT)) {
        refuse(file.name);
        return null;
      }
      last = await bring(conversation);
      if (last === null) return null;
    }
  }
  return last;
}

/** @returns {Promise<File[]>} */
function chosen() {
  const input = /** @type {HTMLInputElement} */ (
    element("input", { type: "file", accept: ".json,.jsonl,application/json", multiple: "", "data-import-file": "", hidden: "" })
  );
  document.body.append(input); // some browsers drop the events of what is nowhere
  return new Promise((resolve) => {
    const end = () => {
      input.remove();
      resolve([...(input.files ?? [])]);
    };
    input.addEventListener("change", end);
    input.addEventListener("cancel", end);
    input.click();
  });
}

/** One in all, or one in each line. @param {string} text */
function conversationsIn(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  return lines.length > 1 && lines.every((line) => line.startsWith("{") && line.trimEnd().endsWith("}")) ? lines : [text];
}
