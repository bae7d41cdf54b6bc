// @ts-check
/**
 * Where the server is. These modules came from it, so their own address tells: it may be mounted
 * below a path of another application, and an element may stand in the page of another origin.
 */

/** The address of the server's root, without a slash at its end. */
export const ROOT = import.meta.url.startsWith("http") ? rootOf(import.meta.url) : "";

/** The path that the server is mounted at; empty if it has its origin for itself. */
export const MOUNT = ROOT && new URL(ROOT).pathname.replace(/\/$/, "");

/** Whether the document is of another origin than the server. */
export const IS_FOREIGN = ROOT !== "" && new URL(ROOT).origin !== globalThis.location?.origin;

/**
 * The address of a path below the server: a path of the document's origin, or all of it.
 * @param {string} path  begins with a slash
 */
export function at(path) {
  return (IS_FOREIGN ? ROOT : MOUNT) + path;
}

/**
 * The address of a path as the server tells it, which holds the mount already.
 * @param {string} path
 */
export function resolved(path) {
  return IS_FOREIGN ? new URL(path, ROOT).href : path;
}

/** @param {string} address  of a module */
function rootOf(address) {
  return address.slice(0, address.lastIndexOf("/static/"));
}
