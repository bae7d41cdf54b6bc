// @ts-check
// Not a module: it runs before the first paint, so that a remembered colour scheme does not flash.
try {
  document.documentElement.dataset.theme = JSON.parse(localStorage.getItem("chatapp.theme") ?? '"auto"');
} catch {
  // storage is forbidden: the system's scheme holds
}
