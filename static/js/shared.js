// @ts-check
/**
 * The page of a link: the conversation as its owner's page shows it, to read. Running answers are
 * followed live; between them it looks now and then for what was asked since.
 */

import { hook } from "./dom/hooks.js";
import { arrived, readyToDraw } from "./markdown/libraries.js";
import { ApiError, viewerApi } from "./server/api.js";
import { LiveAnswers } from "./server/live-answers.js";
import { runningAnswer } from "./state/selectors.js";
import { initialState, reduce, Store } from "./state/store.js";
import { StickyScroll } from "./views/sticky-scroll.js";
import { answers, ThreadView } from "./views/thread.js";

const LOOK_EVERY_MS = 5000;

const root = document.body;
const api = viewerApi(location.pathname.replace(/\/$/, ""));
const { conversation } = JSON.parse(hook(root, "page-data").textContent ?? "");
const store = new Store(reduce(initialState, { type: "conversation-opened", conversation }));
const scroll = new StickyScroll(root);
const live = new LiveAnswers(store, api, false);
const nothingToDo = /** @type {import("./actions.js").Actions} */ (/** @type {unknown} */ ({}));

await readyToDraw();
scroll.start();
new ThreadView(root, store, nothingToDo, scroll).start();
live.start();
setInterval(look, LOOK_EVERY_MS);

addEventListener("pagehide", () => live.stop());
addEventListener("pageshow", (event) => {
  if (event.persisted) live.start();
});
await answers.arriving;
await arrived();
document.documentElement.dataset.ready = "";

async function look() {
  if (document.hidden || runningAnswer(store.state)) return;
  try {
    const found = await api.conversation();
    if (isNew(found.messages)) store.dispatch({ type: "conversation-opened", conversation: found });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) location.reload(); // taken back: the server says so
  }
}

/** @param {import("./state/types.js").Message[]} messages */
function isNew(messages) {
  const shown = store.state.messages;
  return messages.length !== shown.length || messages.some(({ id, status }, at) => id !== shown[at].id || status !== shown[at].status);
}
