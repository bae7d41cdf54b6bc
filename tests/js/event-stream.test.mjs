// Frames are taken apart as the WHATWG rules say, and a heap of events is heard in turns.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mock, test } from "node:test";

globalThis.document = { documentElement: { lang: "en" } };
globalThis.location = new URL("http://chat.test/");
const { FrameDecoder } = await import("../../static/js/server/frames.js");
const { readEvents } = await import("../../static/js/server/event-stream.js");

const VECTORS = [
  ["all line ends", "data: a\r\ndata: b\rdata: c\n\n", [["message", "a\nb\nc", ""]]],
  ["comments, and fields that nobody knows", ":\n: x\nretry: 5\nname: x\ndata: a\n\n", [["message", "a", ""]]],
  ["one space after a colon is none of the value", "data:  a\ndata:b\n\n", [["message", " a\nb", ""]]],
  ["no colon", "data\n\ndata\ndata\n\n", [["message", "", ""], ["message", "\n", ""]]],
  ["an event's name holds for one frame", "event: x\nid: 1\n\ndata: a\n\n", [["message", "a", "1"]]],
  ["an id holds, and cannot have a NUL", "id: 1\ndata: a\n\nid: 2\0\nevent: x\ndata: b\n\n", [["message", "a", "1"], ["x", "b", "1"]]],
  ["what is cut off is nothing", "data: a\n\ndata: b\n", [["message", "a", ""]]],
  ...shared(),
];

/** The vectors that other readers of streams are tested by, if they are at hand. */
function shared() {
  try {
    const { vectors } = JSON.parse(readFileSync(new URL("../../../shared/sse-vectors.json", import.meta.url), "utf-8"));
    return vectors.map(({ name, body_base64, events }) => [name, Buffer.from(body_base64, "base64"), events]);
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

function decoded(pieces) {
  const [text, decoder] = [new TextDecoder(), new FrameDecoder()];
  const frames = pieces.flatMap((piece) => [...decoder.frames(text.decode(piece, { stream: true }))]);
  return frames.map(({ event, data, id }) => [event, data, id]);
}

for (const [name, body, events] of VECTORS) {
  test(`frames: ${name}`, () => {
    const bytes = Buffer.from(body);
    assert.deepEqual(decoded([bytes]), events);
    assert.deepEqual(decoded([...bytes].map((byte) => Uint8Array.of(byte))), events);
    const cuts = bytes.length > 5000 ? [1, bytes.length >> 1] : [...bytes.keys()];
    for (const at of cuts) assert.deepEqual(decoded([bytes.subarray(0, at), bytes.subarray(at)]), events, `cut at ${at}`);
  });
}

/** Reads a body of so many events, each of which takes a millisecond, as one piece. */
async function read(count, { onEvent = () => {}, signal = new AbortController().signal, status = 200 } = {}) {
  const body = Array.from({ length: count }, (_, n) => `event: e\ndata: ${n}\n\n`).join("");
  mock.method(globalThis, "fetch", async () => new Response(body, { status }));
  const [heard, turns] = [[], [0]];
  let time = 0;
  await readEvents("/events", signal, (name, data) => {
    time += 1;
    turns[turns.length - 1] += 1;
    heard.push([name, data]);
    onEvent(heard.length);
  }, { now: () => time, pause: async () => void turns.push(0) });
  mock.restoreAll();
  return { heard, turns };
}

test("what comes in one piece is heard in turns, all of it and in its order", async () => {
  const { heard, turns } = await read(1000);
  assert.deepEqual(heard, Array.from({ length: 1000 }, (_, n) => ["e", String(n)]));
  assert.ok(turns.length > 100 && Math.max(...turns) < 10, String(turns));
});

test("nothing is heard of a stream that is no longer wanted, or refused", async () => {
  const wanted = new AbortController();
  const { heard } = await read(100, { signal: wanted.signal, onEvent: (count) => count === 20 && wanted.abort() });
  assert.equal(heard.length, 20);
  assert.equal((await read(3, { status: 404 })).heard.length, 0);
});

test("a stream that is lost ends", async () => {
  mock.method(globalThis, "fetch", async () => { throw new TypeError("network error"); });
  await readEvents("/events", new AbortController().signal, assert.fail);
  mock.restoreAll();
});

/** Settles once the stream has been closed on the reader's side; its first piece is two events. */
function open() {
  const closed = {};
  closed.promise = new Promise((resolve) => (closed.resolve = resolve));
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\ndata: 2\n\n")),
    cancel: () => closed.resolve("closed"),
  });
  mock.method(globalThis, "fetch", async () => new Response(body));
  return closed.promise;
}

test("a fault of what hears the events is no loss of the stream: it is told, and the stream is closed", async () => {
  const closed = open();
  const fault = new TypeError("x is null");
  let heard = 0;
  const hear = () => {
    heard += 1;
    throw fault;
  };
  await assert.rejects(readEvents("/events", new AbortController().signal, hear), fault);
  assert.deepEqual([await closed, heard], ["closed", 1]);
  mock.restoreAll();
});

test("a stream that is no longer wanted is closed, and one that breaks off ends", async () => {
  const closed = open();
  const wanted = new AbortController();
  await readEvents("/events", wanted.signal, () => wanted.abort());
  assert.equal(await closed, "closed");
  const pieces = [new TextEncoder().encode("data: 1\n\n")];
  const pull = (controller) => (pieces.length ? controller.enqueue(pieces.pop()) : controller.error(new TypeError("network error")));
  mock.method(globalThis, "fetch", async () => new Response(new ReadableStream({ pull })));
  const heard = [];
  await readEvents("/events", new AbortController().signal, (_, data) => heard.push(data));
  assert.deepEqual(heard, ["1"]);
  mock.restoreAll();
});
