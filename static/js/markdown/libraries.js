// @ts-check
/**
 * Large libraries that few answers need: each is loaded when the first text asks for it. Until
 * then, and if it cannot be had, the text stands there as it came.
 */

/** What could not be loaded is not asked for again before. */
const AGAIN_AFTER_MS = 5000;

/** @template T */
export class Library {
  /** @type {T|null} */ #value = null;
  /** @type {Promise<boolean>|null} */ #loading = null;
  #notBefore = 0;

  /** @param {() => Promise<T>} load */
  constructor(load) {
    this.load = load;
  }

  /** What has been loaded; asks for it if nothing has. @returns {T|null} */
  get() {
    if (!this.#value && performance.now() >= this.#notBefore) this.#loading ??= this.#loaded();
    return this.#value;
  }

  /** Whether it came, if it is on its way; else null. */
  get arriving() {
    return this.#value ? null : this.#loading;
  }

  async #loaded() {
    try {
      this.#value = await this.load();
      return true;
    } catch {
      this.#loading = null; // the browser's console says why
      this.#notBefore = performance.now() + AGAIN_AFTER_MS;
      return false;
    }
  }
}

/** Markdown itself: a page without an answer needs none. */
export const markdown = new Library(() => import("./view.js"));

export const highlighter = new Library(async () => {
  const wanted = [import("../../vendor/highlight/highlight.min.js"), import("./coloured.js")];
  const [{ default: hljs }, { colouredLines }] = /** @type {[any, typeof import("./coloured.js")]} */ (await Promise.all(wanted));
  return { hljs, colouredLines };
});

/**
 * Without a font for mathematics, brackets do not grow, and a sum is a letter. Few systems have
 * one; a browser fetches ours where it draws a formula and has no other.
 */
const FORMULA_FONT = "../../vendor/stix-two-math/stix-two-math-latin-400-normal.woff2";

export const mathematics = new Library(async () => {
  const sheet = document.createElement("link");
  const loaded = new Promise((resolve) => ["load", "error"].forEach((type) => sheet.addEventListener(type, resolve)));
  Object.assign(sheet, { rel: "stylesheet", href: new URL("../../vendor/temml/Temml-Local.css", import.meta.url).href });
  document.head.append(sheet);
  const [temml] = await Promise.all([import("../../vendor/temml/temml.mjs"), loaded]);
  document.fonts.add(formulaFont());
  return temml.default;
});

/**
 * A face of the document, which is one of its shadow roots, too: a sheet's would be its own alone.
 * Its family is ours: a page around an element may have the whole font by its own name.
 */
function formulaFont() {
  const url = new URL(FORMULA_FONT, import.meta.url).href;
  return new FontFace("chatapp-math", `url("${url}") format("woff2")`, { display: "swap" });
}

/** Settles when markdown can be drawn, or cannot be had. */
export async function readyToDraw() {
  markdown.get();
  await markdown.arriving;
}

/** Settles when no library is on its way. */
export function arrived() {
  return Promise.all([highlighter.arriving, mathematics.arriving]);
}
