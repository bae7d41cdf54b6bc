// @ts-check
// Not a module: it runs before the first paint, so that a remembered colour scheme does not flash,
// and what the other scripts are about to draw is not laid out before.
{
  const LONGEST_MS = 5000;
  const { dataset } = document.documentElement;
  const giveUp = () => delete dataset.awaited; // what is not drawn by then can be read as it came
  try {
    dataset.theme = JSON.parse(localStorage.getItem("chatapp.theme") ?? '"auto"');
  } catch {
    // storage is forbidden: the system's scheme holds
  }
  dataset.awaited = "";
  setTimeout(giveUp, LONGEST_MS);
  addEventListener("error", ({ target }) => target instanceof HTMLScriptElement && giveUp(), true); // it cannot be had
}
