// @ts-check
/**
 * Draws the mermaid source of a code block above it, on a click: in a frame without an origin, which
 * may run the library and reach nothing. The source stays where it is.
 */

import { hook, setText } from "../dom/hooks.js";
import { t } from "../language.js";
import { at } from "../server/address.js";

const FRAME = at("/diagram");
/** A frame that says nothing for so long cannot be had. */
const PATIENCE_MS = 20_000;
/** No diagram is given more room, in pixels. */
const MOST_HEIGHT = 2000;

/** What a shown diagram listens with, by its box. @type {WeakMap<Element, AbortController>} */
const listeners = new WeakMap();

/** Draws the diagram, or takes it away. @param {HTMLElement} button  in the head of the block */
export function toggleDiagram(button) {
  const figure = /** @type {HTMLElement} */ (button.closest("figure"));
  const shown = figure.querySelector("[data-diagram]");
  if (shown) hide(shown);
  setText(button, shown ? t("Draw") : t("Hide"));
  button.setAttribute("aria-expanded", String(!shown));
  if (!shown) draw(figure);
}

/** @param {Element} box */
function hide(box) {
  listeners.get(box)?.abort();
  box.remove();
}

/** @param {HTMLElement} figure */
function draw(figure) {
  const box = document.createElement("div");
  box.dataset.diagram = "";
  const words = document.createElement("p");
  words.dataset.diagramWords = "";
  words.setAttribute("role", "status");
  words.textContent = t("Drawing…");
  const frame = document.createElement("iframe");
  frame.title = t("Diagram");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.src = FRAME;
  box.append(words, frame);
  figure.querySelector("figcaption")?.after(box);
  listen(figure, box, frame);
}

/** @param {HTMLElement} figure @param {HTMLElement} box @param {HTMLIFrameElement} frame */
function listen(figure, box, frame) {
  const listening = new AbortController();
  listeners.set(box, listening);
  const late = setTimeout(() => say(t("The diagram cannot be drawn now.")), PATIENCE_MS);
  const say = (/** @type {string} */ text) => {
    clearTimeout(late);
    setText(hook(box, "diagram-words"), text);
  };
  listening.signal.addEventListener("abort", () => clearTimeout(late));
  const source = figure.querySelector("code")?.textContent ?? "";
  const ask = () => frame.contentWindow?.postMessage({ source, dark: isDark(box) }, "*");
  onScheme(() => (box.isConnected ? ask() : listening.abort()), listening.signal);
  addEventListener("message", ({ source: sender, data }) => {
    if (!box.isConnected) return listening.abort();
    if (sender !== frame.contentWindow) return;
    if (data.ready) ask();
    if (typeof data.height === "number") {
      say("");
      frame.height = String(Math.min(Math.max(data.height, 40), MOST_HEIGHT));
    }
    if (data.error) {
      say(t("This is no diagram: {error}", { error: data.error }));
      frame.remove();
    }
  }, { signal: listening.signal });
}

/**
 * Calls when the page may have changed between light and dark: by the system, or by its reader.
 * @param {() => void} changed
 * @param {AbortSignal} signal
 */
function onScheme(changed, signal) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed, { signal });
  const chosen = new MutationObserver(changed);
  chosen.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => chosen.disconnect());
}

/** @param {Element} node */
function isDark(node) {
  const schemes = getComputedStyle(node).colorScheme.split(" "); // one, if the reader has chosen it
  return schemes.includes("dark") && (schemes.length === 1 || matchMedia("(prefers-color-scheme: dark)").matches);
}
