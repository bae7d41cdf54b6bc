// The AI SDK against our endpoints, by the providers that it has: `node ai_sdk.mjs FOLDER_OF_PACKAGES '{"url", "version"}'`,
// version 6 or 7. Each model answers in two turns, the first streamed, and calls a tool of ours in both. Prints
// {"what was called": [the two texts] or "its error"}.
import { createRequire } from "node:module";

const [folder, given] = process.argv.slice(2);
const { url, version } = JSON.parse(given);
const load = createRequire(`${folder}/`);
const [core, openaiName, openName, anthropicName] = {
  6: ["ai", "@ai-sdk/openai-v3", "@ai-sdk/open-responses-v1", "@ai-sdk/anthropic-v3"],
  7: ["ai-v7", "@ai-sdk/openai", "@ai-sdk/open-responses", "@ai-sdk/anthropic"],
}[version];
const { generateText, jsonSchema, stepCountIs, streamText, tool } = load(core);
const base = { baseURL: `${url}/v1`, apiKey: "anything" };
const openai = load(openaiName).createOpenAI(base);
const { createOpenResponses } = load(openName);
const { createAnthropic } = load(anthropicName);

const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const weather = tool({
  description: "The weather of a city.",
  inputSchema: jsonSchema(city),
  execute: async ({ city }) => `${city}: 7 degrees`,
});
const name = "mock/client-tool";
const unstored = { providerOptions: { openai: { store: false } } };
const models = {
  "openai": [openai(name)],
  "openai, not stored": [openai(name), unstored],
  "openai chat": [openai.chat(name)],
  "open-responses": [createOpenResponses({ name: "chatapp", url: `${url}/v1/responses`, apiKey: "anything" })(name)],
  "anthropic": [createAnthropic(base)(name)],
};

globalThis.AI_SDK_LOG_WARNINGS = false; // they go to the output

const shown = {};
for (const [called, [model, options = {}]] of Object.entries(models)) {
  const asked = { model, tools: { weather }, stopWhen: stepCountIs(3), maxRetries: 0, ...options };
  try {
    const first = streamText({ ...asked, prompt: "Paris", onError: () => {} });
    const texts = [await first.text];
    const told = [{ role: "user", content: "Paris" }, ...(await first.response).messages];
    const second = await generateText({ ...asked, messages: [...told, { role: "user", content: "Rome" }] });
    shown[called] = [...texts, second.text];
  } catch (failure) {
    shown[called] = `${failure}: ${failure.responseBody ?? ""}`;
  }
}
console.log(JSON.stringify(shown));
process.exit(0);
