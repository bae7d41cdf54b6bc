// @ts-check
/** The list of conversations: loaded by pages, refreshed from its top, grouped by date. Pure. */

import { language, t } from "../language.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").State} State */

/**
 * The list with its first page anew; older ones that were loaded before stay behind it.
 * @param {State} state
 * @param {Conversation[]} fresh
 * @param {string|null} next
 */
export function refreshed({ conversations, more }, fresh, next) {
  const last = fresh[fresh.length - 1];
  if (next === null || !last) return { conversations: fresh, more: null };
  const older = conversations.filter(({ pinned, updated }) => !pinned && updated < last.updated);
  return { conversations: withoutTwice([...fresh, ...older]), more: older.length ? more : next };
}

/** @param {Conversation[]} conversations */
export function withoutTwice(conversations) {
  const ids = new Set();
  return conversations.filter(({ id }) => !ids.has(id) && ids.add(id));
}

const DAY_MS = 86_400_000;

/**
 * Under which heading it stands.
 * @param {Conversation} conversation
 * @param {Date} now  on the reader's clock
 */
export function groupOf({ pinned, updated }, now) {
  if (pinned) return t("Pinned");
  const then = new Date(Number(updated) * 1000);
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const days = Math.ceil((midnight - then.getTime()) / DAY_MS);
  if (days <= 0) return t("Today");
  if (days <= 1) return t("Yesterday");
  if (days <= 7) return t("Previous 7 days");
  if (days <= 30) return t("Previous 30 days");
  return then.toLocaleDateString(language, { month: "long", year: "numeric" });
}
