// @ts-check
/** Links to another place of the same text, also in a shadow root, where an address finds no id. */

/** At its edges the text fades away. */
const FADED_PX = 40;

/** Serves the links of footnotes below the listener's node. @param {Event} event */
export function jump(event) {
  const link = event.target instanceof Element ? event.target.closest("a[role=doc-noteref], a[role=doc-backlink]") : null;
  if (!link) return;
  event.preventDefault();
  const id = link.getAttribute("href")?.slice(1) ?? "";
  const place = link.closest(".prose")?.querySelector(`[id="${CSS.escape(id)}"]`);
  if (!(place instanceof HTMLElement)) return;
  if (place.tabIndex < 0) place.tabIndex = -1; // so that it can have the focus
  place.focus({ preventScroll: true });
  const { top, bottom } = place.getBoundingClientRect();
  const seen = link.closest("[data-scroller]")?.getBoundingClientRect();
  const isSeen = seen && top > seen.top + FADED_PX && bottom < seen.bottom - FADED_PX;
  if (!isSeen) place.scrollIntoView({ block: "center" });
}
