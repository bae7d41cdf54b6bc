// What parsers of npm's make of bodies: `node parsers.mjs FOLDER_OF_PACKAGES < [{"dialect", "body", "names"}]`, bodies in
// base64. Prints for each {"eventsource-parser", "undici"}: the events as [type, data, last id], and for the dialects of
// the AI SDK and of AG-UI "problems": what those packages complain of, and "text": what they end with.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(`${process.argv[2]}/`);
const { createParser } = require("eventsource-parser");
const { EventSource } = require("undici");
const { DefaultChatTransport, readUIMessageStream } = require("ai");
const { HttpAgent } = require("@ag-ui/client");

const given = JSON.parse(await text(process.stdin));
const bodies = given.map(({ body }) => Buffer.from(body, "base64"));

const server = createServer(async (request, response) => {
  request.resume();
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
  for (const piece of pieces(bodies[Number(request.url.slice(1))])) {
    response.write(piece);
    await new Promise(setImmediate);
  }
  response.end();
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const url = (index) => `http://127.0.0.1:${server.address().port}/${index}`;

function* pieces(body, size = 97) {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

function byParser(body) {
  const events = [];
  const parser = createParser({ onEvent: ({ event, data, id }) => events.push([event ?? "message", data, id ?? null]) });
  const decoder = new TextDecoder();
  for (const piece of pieces(body)) parser.feed(decoder.decode(piece, { stream: true }));
  return events;
}

const byUndici = (index, names) =>
  new Promise((resolve) => {
    const source = new EventSource(url(index));
    const events = [];
    for (const name of names)
      source.addEventListener(name, ({ type, data, lastEventId }) => {
        if (data !== undefined) events.push([type, data, lastEventId]);
      });
    source.addEventListener("error", ({ data }) => {
      if (data !== undefined) return; // the run's
      source.close();
      resolve(events);
    });
  });

async function byAI(body) {
  const problems = [];
  const said = new Response(body).body;
  const stream = new DefaultChatTransport({ api: "/" }).processResponseStream(said);
  let last;
  for await (const message of readUIMessageStream({ stream, onError: (error) => problems.push(String(error.message)) }))
    last = message;
  const parts = last?.parts ?? [];
  return { problems, text: parts.map((part) => (part.type === "text" ? part.text : "")).join("") };
}

async function byAGUI(index) {
  const problems = [];
  const agent = new HttpAgent({ url: url(index), threadId: "thread", initialMessages: [] });
  try {
    await agent.runAgent({}, { onRunErrorEvent: ({ event }) => void problems.push(event.message) });
  } catch (error) {
    if (!problems.length) problems.push(String(error));
  }
  const texts = agent.messages.filter(({ role }) => role === "assistant").map(({ content }) => content ?? "");
  return { problems, text: texts.join("") };
}

const found = [];
for (const [index, { dialect, names }] of given.entries()) {
  const events = { "eventsource-parser": byParser(bodies[index]), undici: await byUndici(index, names) };
  const read = { ui_message: () => byAI(bodies[index]), agui: () => byAGUI(index) }[dialect];
  found.push({ ...events, ...(await read?.()) });
}
process.stdout.write(JSON.stringify(found), () => process.exit(0));
