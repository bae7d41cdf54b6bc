// @ts-check
/** Copying, and the buttons that do it. */

/** One listener for the Copy button of every code block, however it came into the page. */
export function startCopyButtons() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy-code]") : null;
    const code = button?.closest("figure")?.querySelector("code");
    if (button instanceof HTMLElement && code) copyFrom(button, code.textContent ?? "");
  });
}

/** @param {string} text @returns {Promise<void>} */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // plain HTTP from another machine has no clipboard object
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

/** Copies and says so on the button for a moment. @param {HTMLElement} button @param {string} text */
export async function copyFrom(button, text) {
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent ?? "";
  if (button.dataset.copied !== undefined) return;
  await copyText(text);
  button.dataset.copied = "";
  label.textContent = "Copied";
  setTimeout(() => {
    delete button.dataset.copied;
    label.textContent = before;
  }, 1600);
}
