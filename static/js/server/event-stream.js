// @ts-check
/**
 * A stream of events, read in turns. An EventSource gives all that has come in one task of the
 * browser, however many events that are, and nothing scrolls until each has been heard.
 */

import { TURN_MS } from "../dom/turns.js";
import { identified } from "./access.js";
import { FrameDecoder } from "./frames.js";

/**
 * Settles at the end of the stream, or when it cannot be had, is lost, or is no longer wanted. What
 * `onEvent` throws ends it, too, and is thrown.
 * @param {string} address
 * @param {AbortSignal} signal
 * @param {(name: string, data: string) => void} onEvent  not called once the signal is aborted
 * @param {{pause?: () => Promise<unknown>, now?: () => number}} [clock]
 */
export async function readEvents(address, signal, onEvent, { pause = nextTask, now = () => performance.now() } = {}) {
  const init = identified({ signal, cache: "no-store", headers: { Accept: "text/event-stream" } });
  const response = await unlessLost(fetch(address, init), signal);
  if (!response?.ok || !response.body) return;
  let began = now();
  for await (const { event, data } of framesOf(response.body, signal)) {
    if (now() - began > TURN_MS) {
      await pause();
      began = now();
    }
    if (signal.aborted) return;
    onEvent(event, data);
  }
}

/**
 * The stream is closed when nobody listens any more: the server would go on writing it.
 * @param {ReadableStream<Uint8Array>} body
 * @param {AbortSignal} signal
 */
async function* framesOf(body, signal) {
  const [reader, text, decoder] = [body.getReader(), new TextDecoder(), new FrameDecoder()];
  try {
    for (;;) {
      const read = await unlessLost(reader.read(), signal);
      if (!read || read.done) return;
      yield* decoder.frames(text.decode(read.value, { stream: true }));
    }
  } finally {
    await unlessLost(reader.cancel(), signal); // which fails as the reading did
  }
}

/**
 * Null if the network failed, or the stream is no longer wanted.
 * @template T
 * @param {Promise<T>} asked
 * @param {AbortSignal} signal
 * @returns {Promise<T|null>}
 */
async function unlessLost(asked, signal) {
  try {
    return await asked;
  } catch (error) {
    if (!signal.aborted && !(error instanceof TypeError)) throw error; // a TypeError is the network's
    return null;
  }
}

/** Whatever else waits has its turn, painting among it. */
function nextTask() {
  return new Promise((resolve) => setTimeout(resolve));
}
