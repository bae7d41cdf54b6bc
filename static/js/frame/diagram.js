// @ts-check
// Not a module: a document without an origin may load none. Gets `{source, dark}` from the page
// around it, draws it, and answers `{height}`, or `{error}`. It tells when it is there by `{ready}`.

/** @type {any} */
const { mermaid } = globalThis;
/** The page is told no more of what mermaid says. */
const LONGEST_ERROR = 300;
/** The page's colours: see css/tokens.css. */
const LIGHT = {
  background: "#f5f3ef", primaryColor: "#ffffff", primaryTextColor: "#211f1c", primaryBorderColor: "#0f766e", lineColor: "#6d675e",
  secondaryColor: "#e0f0ed", tertiaryColor: "#eeebe5", edgeLabelBackground: "#f5f3ef",
};
const DARK = {
  darkMode: true, background: "#1f1d1c", primaryColor: "#2b2927", primaryTextColor: "#ece9e4", primaryBorderColor: "#5ecec0", lineColor: "#9a948b",
  secondaryColor: "#17322f", tertiaryColor: "#22201f", edgeLabelBackground: "#1f1d1c",
};
const FONT = "system-ui, sans-serif";

addEventListener("message", async ({ source: sender, data }) => {
  if (sender !== parent) return;
  const { source, dark } = data;
  document.documentElement.style.colorScheme = dark ? "dark" : "light"; // like the page's: else the ground is white
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    htmlLabels: false,
    flowchart: { htmlLabels: false },
    theme: "base",
    themeVariables: { fontFamily: FONT, ...(dark ? DARK : LIGHT) },
    fontFamily: FONT,
    maxTextSize: 50_000,
    suppressErrorRendering: true,
  });
  try {
    const { svg } = await mermaid.render("diagram", source);
    document.body.innerHTML = svg;
    document.body.style.margin = "0";
    const picture = document.querySelector("svg");
    if (picture) Object.assign(picture.style, { display: "block", marginInline: "auto" });
    parent.postMessage({ height: Math.ceil(picture?.getBoundingClientRect().height ?? 0) }, "*");
  } catch (error) {
    parent.postMessage({ error: String(error instanceof Error ? error.message : error).slice(0, LONGEST_ERROR) }, "*");
  }
});
parent.postMessage({ ready: true }, "*");
