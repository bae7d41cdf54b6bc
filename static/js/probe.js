// @ts-check
/**
 * The probe page: reads the server's ticks by fetch, which shows what headers they came with, draws
 * each as it comes, and asks the server for the verdict, which is that of `chatapp probe`.
 */

import { hook, setText } from "./dom/hooks.js";
import { number, t } from "./language.js";
import { FrameDecoder } from "./server/frames.js";

const TICKS = 8;
const INTERVAL_S = 0.5;
/** Of the interval: a tick that is later was held back. */
const LATE_SHARE = 0.6;
/** Where the lines of the picture begin, and how long they are. */
const [LEFT, WIDTH] = [70, 520];
const SVG = "http://www.w3.org/2000/svg";

/** @typedef {{arrived: number, sent_ms: number}} Tick  arrived: seconds since the request was sent */

const root = document.body;
const start = hook(root, "probe-start");
start.addEventListener("click", measure);
measure();

async function measure() {
  start.setAttribute("disabled", "");
  hook(root, "probe-verdict").hidden = true;
  hook(root, "probe-drawn").hidden = false;
  try {
    const seen = await read();
    await judge(seen);
  } catch (error) {
    setText(hook(root, "probe-state"), t("There is nothing to measure: {error}", { error: error instanceof Error ? error.message : String(error) }));
  } finally {
    start.removeAttribute("disabled");
  }
}

async function read() {
  const began = performance.now();
  const since = () => (performance.now() - began) / 1000;
  const response = await fetch(`${start.dataset.path}?count=${TICKS}&interval=${INTERVAL_S}`, { cache: "no-store" });
  if (!response.ok || !response.body) throw new Error(t("the server answered {status}", { status: response.status }));
  const head_s = since();
  /** @type {Tick[]} */
  const ticks = [];
  draw(ticks);
  const decoder = new FrameDecoder();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    for (const { event, data } of decoder.frames(piece.value)) {
      if (event === "tick") ticks.push({ arrived: since(), sent_ms: JSON.parse(data).sent_ms });
    }
    draw(ticks);
    setText(hook(root, "probe-state"), t("{moment} of {length}", { moment: ticks.length, length: TICKS }));
  }
  return { ticks, head_s, headers: Object.fromEntries(response.headers) };
}

/** @param {Tick[]} ticks */
function draw(ticks) {
  const held = heldBack(ticks);
  const rows = ticks.map(({ arrived }, at) => row([String(at + 1), t("{n} s", { n: number(arrived, { minimumFractionDigits: 2, maximumFractionDigits: 2 }) }), t("{n} ms", { n: number(Math.round(held[at] * 1000)) })]));
  hook(root, "probe-ticks").replaceChildren(...rows);
  const picture = root.querySelector("[data-probe-picture]");
  picture?.querySelectorAll("circle").forEach((each) => each.remove());
  const scale = WIDTH / Math.max(TICKS * INTERVAL_S, ticks.at(-1)?.arrived ?? 0);
  ticks.forEach(({ arrived }, at) => {
    const isLate = held[at] > LATE_SHARE * INTERVAL_S;
    picture?.append(dot((arrived - held[at]) * scale, 26, false), dot(arrived * scale, 66, isLate));
  });
}

/** Seconds, compared with the quickest: the clocks may differ. @param {Tick[]} ticks */
function heldBack(ticks) {
  const delays = ticks.map(({ arrived, sent_ms }) => arrived - sent_ms / 1000);
  return delays.map((delay) => delay - Math.min(...delays));
}

/** @param {number} x @param {number} y @param {boolean} isLate */
function dot(x, y, isLate) {
  const made = document.createElementNS(SVG, "circle");
  Object.entries({ cx: LEFT + x, cy: y, r: 5 }).forEach(([name, value]) => made.setAttribute(name, value.toFixed(1)));
  if (isLate) made.setAttribute("class", "held");
  return made;
}

/** @param {string[]} cells */
function row(cells) {
  const made = document.createElement("tr");
  made.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return made;
}

/** @param {object} seen */
async function judge(seen) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${start.dataset.path}/verdict`, { method: "POST", headers, body: JSON.stringify(seen) });
  if (!response.ok) throw new Error(t("the server answered {status}", { status: response.status }));
  const { one_by_one, says, hop, lines, notes } = await response.json();
  hook(root, "probe-verdict").hidden = false;
  const words = hook(root, "probe-says");
  setText(words, t(says)); // the catalogues have what names nothing
  words.toggleAttribute("data-held", !one_by_one);
  hook(root, "probe-change").hidden = !lines.length;
  setText(hook(root, "probe-hop"), t(hop));
  setText(hook(root, "probe-lines"), lines.join("\n"));
  const items = notes.map((/** @type {string} */ note) => Object.assign(document.createElement("li"), { textContent: note }));
  hook(root, "probe-notes").replaceChildren(...items);
  setText(hook(root, "probe-state"), one_by_one ? t("Done: one by one.") : t("Done: held back."));
}
