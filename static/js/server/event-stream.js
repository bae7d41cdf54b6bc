// @ts-check
/**
 * A stream of events, read in turns. An EventSource gives all that has come in one task of the
 * browser, however many events that are, and nothing scrolls until each has been heard.
 */

import { identified } from "./access.js";
import { FrameDecoder } from "./frames.js";

/** Milliseconds. What a reader does waits for no longer than one turn. */
const TURN_MS = 8;

/**
 * Settles at the end of the stream, or when it cannot be had, is lost, or is no longer wanted.
 * @param {string} address
 * @param {AbortSignal} signal
 * @param {(name: string, data: string) => void} onEvent  not called once the signal is aborted
 * @param {{pause?: () => Promise<unknown>, now?: () => number}} [clock]
 */
export async function readEvents(address, signal, onEvent, { pause = nextTask, now = () => performance.now() } = {}) {
  try {
    const response = await fetch(address, identified({ signal, cache: "no-store", headers: { Accept: "text/event-stream" } }));
    if (!response.ok || !response.body) return;
    let began = now();
    for await (const { event, data } of framesOf(response.body)) {
      if (now() - began > TURN_MS) {
        await pause();
        began = now();
      }
      if (signal.aborted) return;
      onEvent(event, data);
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof TypeError)) throw error; // a TypeError is the network's
  }
}

/** @param {ReadableStream<Uint8Array>} body */
async function* framesOf(body) {
  const [reader, text, decoder] = [body.getReader(), new TextDecoder(), new FrameDecoder()];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield* decoder.frames(text.decode(value, { stream: true }));
  }
}

/** Whatever else waits has its turn, painting among it. */
function nextTask() {
  return new Promise((resolve) => setTimeout(resolve));
}
