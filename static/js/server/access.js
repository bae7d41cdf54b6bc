// @ts-check
/**
 * How requests say who asks: on the server's own origin by its cookies, from a page of another one
 * by a key, or by cookies if the browser sends them there.
 */

import { at, IS_FOREIGN } from "./address.js";

let key = "";

/** @param {string} value  of a person, or of the page's own application: whoever sees the page can read it */
export function useKey(value) {
  key = value;
}

/** @param {RequestInit} init */
export function identified(init) {
  const headers = { .../** @type {Record<string, string>} */ (init.headers), ...(key && { Authorization: `Bearer ${key}` }) };
  return { ...init, headers, credentials: /** @type {RequestCredentials} */ (IS_FOREIGN ? "include" : "same-origin") };
}

/** Whether an EventSource, which sends no headers, needs a ticket. */
export function needsTicket() {
  return key !== "";
}

/** The address with a ticket, which is good for one opening. @param {string} address */
export async function ticketed(address) {
  const body = JSON.stringify({ path: new URL(address, location.href).pathname });
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body };
  const response = await fetch(at("/api/v1/tickets"), identified(init));
  if (!response.ok) throw new Error(`no ticket: ${response.status}`);
  const { ticket } = await response.json();
  return `${address}${address.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(ticket)}`;
}
