// @ts-check
/** What the page has once, around its chat. It comes behind the prompt. */

import { arrived } from "./markdown/libraries.js";
import { DrawerView } from "./views/drawer.js";
import { OnDemand } from "./views/on-demand.js";
import { Router } from "./views/router.js";
import { SeenView } from "./views/seen.js";
import { ShortcutsView } from "./views/shortcuts.js";
import { SidebarView } from "./views/sidebar.js";
import { ThemeView } from "./views/theme.js";
import { answers } from "./views/thread.js";

/**
 * @param {HTMLElement} root
 * @param {import("./state/store.js").Store} store
 * @param {import("./actions.js").Actions} actions
 */
export function startViews(root, store, actions) {
  new SidebarView(root, store, actions).start();
  new ShortcutsView(root).start();
  new OnDemand(root, store, actions).start();
  new SeenView(root, store, actions).start();
  new DrawerView(root).start();
  new ThemeView(root).start();
  new Router(root, store, actions).start();
}

/** Settles when all that is shown is drawn with the libraries that it needs. */
export async function drawn() {
  await answers.arriving;
  await arrived();
}
