// @ts-check
// Not a module: it runs before the first paint, so that a remembered colour scheme does not flash.
document.documentElement.dataset.theme = localStorage.getItem("chatapp.theme") ?? "auto";
