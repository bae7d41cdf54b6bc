// @ts-check
/** For work that is asked for far more often than it needs to be done. */

/**
 * Runs `work` at most every `interval` milliseconds for as long as it is called. It throttles and
 * does not debounce: under a steady stream of calls the work still runs. If the work itself is
 * slow, the pauses grow with it, so that the page stays usable. `cancel` drops a run that is due.
 * @param {() => void} work
 * @param {number} interval
 * @returns {(() => void) & {cancel: () => void}}
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
  const call = () => {
    timer ??= setTimeout(run, Math.max(0, next - performance.now()));
  };
  const cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return Object.assign(call, { cancel });
}
