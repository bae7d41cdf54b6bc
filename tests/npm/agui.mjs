// An AG-UI agent without a front end: `node agui.mjs FOLDER_OF_PACKAGES '{"url", "messages", "runs"}'`. Each run is what
// `runAgent` takes, and `results`: what the front end answers to the calls of its tools before it. Prints
// {"error", "events", "messages"} as they are after each. The package itself checks the order of events. A run with
// `connect: true` follows the run of that `runId`, or of the thread, as a front end does that was opened anew: it holds
// no messages. With `cancel: true` it stops it too, after its first text.
import { createRequire } from "node:module";

const [folder, given] = process.argv.slice(2);
const { HttpAgent, runHttpRequest, transformHttpEventStream } = createRequire(`${folder}/`)("@ag-ui/client");
const { url, threadId = "thread", messages, runs } = JSON.parse(given);

const post = (path, body) =>
  fetch(url + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

// The package leaves it to each agent how to connect.
class Agent extends HttpAgent {
  connect = (input) => transformHttpEventStream(runHttpRequest(() => post("/connect", input)));
}

const begun = new Agent({ url, threadId, initialMessages: messages });
const shown = [];
for (const { results, connect, cancel, ...asked } of runs) {
  const agent = connect ? new Agent({ url, threadId }) : begun;
  for (const result of results ?? []) agent.addMessage(result);
  const events = [];
  let error = null;
  try {
    await (connect ? agent.connectAgent : agent.runAgent).call(agent, asked, {
      onEvent: async ({ event }) => {
        events.push(event);
        if (cancel && event.type === "TEXT_MESSAGE_START") await post("/cancel", { threadId, runId: asked.runId });
      },
      onRunErrorEvent: ({ event }) => void (error = event.message),
    });
  } catch (failure) {
    error ??= String(failure);
  }
  shown.push({ error, events, messages: structuredClone(agent.messages) });
}
console.log(JSON.stringify(shown));
process.exit(0);
