// The AI SDK's chat without a page: `node ui_chat.mjs FOLDER_OF_PACKAGES '{"package", "api", "id", "body", "messages",
// "steps"}'`. The package is `ai`, which is version 6, or `ai-v7`.
// Steps: {"send": text or message}, {"regenerate": true}, {"resume": true}, {"leave": text}: send, and go after the
// first word. Prints {"status", "error", "messages"} as they are after each.
import { createRequire } from "node:module";

const [folder, given] = process.argv.slice(2);
const { package: core, api, id, body, messages, steps } = JSON.parse(given);
const { AbstractChat, DefaultChatTransport } = createRequire(`${folder}/`)(core);

class State {
  status = "ready";
  error = undefined;
  constructor(messages) {
    this.messages = messages ?? [];
  }
  pushMessage = (message) => (this.messages = [...this.messages, message]);
  popMessage = () => (this.messages = this.messages.slice(0, -1));
  replaceMessage = (index, message) => {
    this.messages = this.messages.with(index, message);
    if (leaving && message.parts.some((part) => part.type === "text" && part.text)) done();
  };
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {}

let leaving = false;
const shown = [];
const transport = new DefaultChatTransport({ api, body });
const chat = new Chat({ id, transport, state: new State(messages) });

function done() {
  console.log(JSON.stringify(shown));
  process.exit(0);
}

for (const step of steps) {
  if ("leave" in step) leaving = true;
  const said = step.send ?? step.leave;
  if (said) await chat.sendMessage(typeof said === "string" ? { text: said } : said);
  else if (step.regenerate) await chat.regenerate();
  else await chat.resumeStream();
  const { status, error } = chat;
  shown.push({ status, error: error?.message, messages: structuredClone(chat.messages) });
}
done();
