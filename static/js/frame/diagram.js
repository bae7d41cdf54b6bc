// @ts-check
// Not a module: a document without an origin may load none. Gets `{source, dark}` from the page
// around it, draws it, and answers `{height}`, or `{error}`. It tells when it is there by `{ready}`.

/** @type {any} */
const { mermaid } = globalThis;
/** The page is told no more of what mermaid says. */
const LONGEST_ERROR = 300;

addEventListener("message", async ({ source: sender, data }) => {
  if (sender !== parent) return;
  const { source, dark } = data;
  document.documentElement.style.colorScheme = dark ? "dark" : "light"; // like the page's: else the ground is white
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    htmlLabels: false,
    flowchart: { htmlLabels: false },
    theme: dark ? "dark" : "default",
    maxTextSize: 50_000,
    suppressErrorRendering: true,
  });
  try {
    const { svg } = await mermaid.render("diagram", source);
    document.body.innerHTML = svg;
    document.body.style.margin = "0";
    const picture = document.querySelector("svg");
    parent.postMessage({ height: Math.ceil(picture?.getBoundingClientRect().height ?? 0) }, "*");
  } catch (error) {
    parent.postMessage({ error: String(error instanceof Error ? error.message : error).slice(0, LONGEST_ERROR) }, "*");
  }
});
parent.postMessage({ ready: true }, "*");
