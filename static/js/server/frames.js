// @ts-check
/** Takes text/event-stream apart into its frames, as the WHATWG rules say. Pure. */

/** @typedef {{event: string, data: string, id: string}} Frame */

const LINE_END = /\r\n|\n|\r/g;

export class FrameDecoder {
  #rest = "";
  #event = "";
  /** @type {string[]} */ #data = [];
  #id = "";
  #endedInCr = false;

  /**
   * The frames that this text completes. Take all of them before the next text: each is decoded when
   * it is asked for.
   * @param {string} text  decoded, without a byte order mark
   * @returns {Generator<Frame, void>}
   */
  *frames(text) {
    const isHalf = this.#endedInCr && text.startsWith("\n"); // of a CRLF, whose line has ended
    if (text) this.#endedInCr = text.endsWith("\r");
    const fresh = isHalf ? text.slice(1) : text; // a long line comes in many pieces: each is looked through once
    let from = 0;
    for (const { 0: end, index } of fresh.matchAll(LINE_END)) {
      const frame = this.#take(this.#rest + fresh.slice(from, index));
      this.#rest = "";
      from = index + end.length;
      if (frame) yield frame;
    }
    this.#rest += fresh.slice(from);
  }

  /** @param {string} line @returns {Frame|null} */
  #take(line) {
    if (!line) return this.#ended();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "data") this.#data.push(value);
    if (field === "event") this.#event = value;
    if (field === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #ended() {
    const frame = this.#data.length ? { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id } : null;
    this.#event = "";
    this.#data = [];
    return frame;
  }
}
