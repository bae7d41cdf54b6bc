// @ts-check
/** Work that is asked for far more often than it needs doing. */

/**
 * Calls `work` at once and then at most every `interval` ms while it is asked for (throttled, not debounced: under a
 * steady stream it still runs). If the work itself is slow, the pauses grow with it, so that the page stays usable.
 * @param {() => void} work
 * @param {number} interval
 */
export function throttled(work, interval) {
  /** @type {number|undefined} */
  let timer;
  let next = 0;
  const run = () => {
    timer = undefined;
    const started = performance.now();
    work();
    const ended = performance.now();
    next = ended + Math.max(interval - (ended - started), 3 * (ended - started));
  };
  return () => {
    timer ??= setTimeout(run, Math.max(0, next - performance.now()));
  };
}
