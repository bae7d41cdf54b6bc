// An AG-UI agent without a front end: `node agui.mjs FOLDER_OF_PACKAGES '{"url", "messages", "runs"}'`. Each run is what
// `runAgent` takes, and `results`: what the front end answers to the calls of its tools before it. Prints
// {"error", "events", "messages"} as they are after each. The package itself checks the order of events.
import { createRequire } from "node:module";

const [folder, given] = process.argv.slice(2);
const { HttpAgent } = createRequire(`${folder}/`)("@ag-ui/client");
const { url, messages, runs } = JSON.parse(given);

const agent = new HttpAgent({ url, threadId: "thread", initialMessages: messages });
const shown = [];
for (const { results, ...asked } of runs) {
  for (const result of results ?? []) agent.addMessage(result);
  const events = [];
  let error = null;
  try {
    await agent.runAgent(asked, {
      onEvent: ({ event }) => void events.push(event),
      onRunErrorEvent: ({ event }) => void (error = event.message),
    });
  } catch (failure) {
    error ??= String(failure);
  }
  shown.push({ error, events, messages: structuredClone(agent.messages) });
}
console.log(JSON.stringify(shown));
process.exit(0);
