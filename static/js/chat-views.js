// @ts-check
/**
 * The views of a chat beside its prompt, and what follows its running answers. They come behind the
 * prompt, so each of them shows what has happened before it was there.
 */

import { readyToDraw } from "./markdown/libraries.js";
import { api } from "./server/api.js";
import { LiveAnswers } from "./server/live-answers.js";
import { AttachView } from "./views/attach.js";
import { ConnectionView } from "./views/connection.js";
import { ModelPicker } from "./views/model-picker.js";
import { OlderView } from "./views/older.js";
import { PinnedView } from "./views/pinned.js";
import { QueueView } from "./views/queue.js";
import { StickyScroll } from "./views/sticky-scroll.js";
import { ThreadView } from "./views/thread.js";
import { ToolPicker } from "./views/tool-picker.js";

/**
 * Answers that the server has rendered as they came stand there until they can be drawn.
 * @param {HTMLElement} root
 * @param {import("./state/store.js").Store} store
 * @param {import("./actions.js").Actions} actions
 */
export async function viewsOf(root, store, actions) {
  if (store.state.messages.length) await readyToDraw();
  const liveAnswers = new LiveAnswers(store, api);
  const scroll = new StickyScroll(root);
  const views = [
    scroll,
    new ThreadView(root, store, actions, scroll),
    new OlderView(root, store, actions),
    new ModelPicker(root, store),
    new ToolPicker(root, store, actions),
    new AttachView(root, store, actions),
    new ConnectionView(root, store, actions, liveAnswers),
    new PinnedView(root, store),
    new QueueView(root, store),
  ];
  return { views, liveAnswers };
}
