// @ts-check
/**
 * The server's JSON endpoints as functions. Each resolves to the response's body, or rejects with
 * an ApiError whose message is fit for a reader.
 */

import { t } from "../language.js";
import { identified } from "./access.js";
import { at } from "./address.js";

/** @typedef {import("../state/types.js").Conversation} Conversation */
/** @typedef {import("../state/types.js").Message} Message */
/** @typedef {{messages: Message[], next: string|null}} MessagePage */
/** @typedef {Conversation & MessagePage} Opened */
/** @typedef {{conversations: Conversation[], next: string|null}} ListPage */

const ROOT = at("/api/v1");
/** Messages, or conversations, that come at once; the server renders as many. */
const PAGE = 50;

/** A request that failed. `status` is 0 if there was no response. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status
   * @param {string} code
   * @param {string|null} traceId
   */
  constructor(message, status, code, traceId) {
    super(message);
    this.status = status;
    this.code = code;
    this.traceId = traceId;
  }

  /** Whether the server itself said nothing: the network or the server is away, or a proxy spoke. */
  get isUnreachable() {
    return this.status === 0 || (this.code === "http_error" && [502, 503, 504].includes(this.status));
  }
}

export const api = {
  /** @returns {Promise<import("../state/types.js").Catalogue>} */
  catalogue: () => request("GET", "/providers"),

  /**
   * Waits for MCP servers that are still starting.
   * @returns {Promise<import("../state/types.js").Offer>}
   */
  async offer() {
    const [{ tools, problems }, { agents }] = await Promise.all([request("GET", "/tools"), request("GET", "/agents")]);
    return { tools, problems, agents };
  },

  /** A page of the list, the first one with all that are pinned. @param {string} [before] @returns {Promise<ListPage>} */
  conversations: (before = "") =>
    request("GET", `/conversations?pinned=first&limit=${PAGE}&before=${encodeURIComponent(before)}`),

  /** With its last messages. @param {string} id @returns {Promise<Opened>} */
  conversation: (id) => request("GET", `/conversations/${encodeURIComponent(id)}?limit=${PAGE}`),

  /** The messages before this one. @param {string} id @param {string} before @returns {Promise<MessagePage>} */
  older: (id, before) =>
    request("GET", `/conversations/${encodeURIComponent(id)}/messages?limit=${PAGE}&before=${encodeURIComponent(before)}`),

  /** Shows this version of a message. @param {string} id @returns {Promise<Opened>} */
  choose: (id) => request("POST", `/messages/${encodeURIComponent(id)}/choose?limit=${PAGE}`, {}),

  /** @param {string} id @param {string} title */
  rename: (id, title) => request("PATCH", `/conversations/${encodeURIComponent(id)}`, { title }),

  /** @param {string} id */
  remove: (id) => request("DELETE", `/conversations/${encodeURIComponent(id)}`),

  /** Brings back what was just deleted. @param {string} id @returns {Promise<Conversation>} */
  restore: (id) => request("POST", `/conversations/${encodeURIComponent(id)}/restore`, {}),

  /** @param {string} id @param {boolean} pinned */
  pin: (id, pinned) => request(pinned ? "PUT" : "DELETE", `/conversations/${encodeURIComponent(id)}/pin`),

  /** All up to this message was seen. @param {string} id @param {string} message_id */
  see: (id, message_id) => request("PUT", `/conversations/${encodeURIComponent(id)}/seen`, { message_id }),

  /** @param {string} words @param {string} before @returns {Promise<import("../views/search.js").Found>} */
  find: (words, before) => request("GET", `/search?q=${encodeURIComponent(words)}&before=${encodeURIComponent(before)}`),

  /** @param {string} id @param {import("../state/types.js").Settings} settings @returns {Promise<Conversation>} */
  set: (id, settings) => request("PUT", `/conversations/${encodeURIComponent(id)}/settings`, settings),

  /** An empty one. @returns {Promise<{id: string}>} */
  create: () => requestAt(at("/v1"), "POST", "/conversations", {}),

  /** A conversation from a file. @param {string} json @returns {Promise<Conversation>} */
  bring: (json) => requestAt(ROOT, "POST", "/conversations/import", json),

  /** @param {string} id @returns {Promise<Message>} */
  message: (id) => request("GET", `/messages/${encodeURIComponent(id)}`),

  /** @param {string} id */
  cancel: (id) => request("POST", `/messages/${encodeURIComponent(id)}/cancel`, {}),

  /** The link to it; null if it is not shared. @param {string} id @returns {Promise<{url: string|null}>} */
  shared: (id) => request("GET", `/conversations/${encodeURIComponent(id)}/share`),

  /** @param {string} id @returns {Promise<{url: string}>} */
  share: (id) => request("POST", `/conversations/${encodeURIComponent(id)}/share`),

  /** @param {string} id */
  unshare: (id) => request("DELETE", `/conversations/${encodeURIComponent(id)}/share`),

  /** @param {string} id @param {string} call @param {object} said */
  decide: (id, call, said) =>
    request("POST", `/messages/${encodeURIComponent(id)}/tools/${encodeURIComponent(call)}`, said),

  /** @param {File} file */
  upload(file) {
    const form = new FormData();
    form.append("file", file, file.name);
    return request("POST", "/files", form);
  },

  /** @param {string} id */
  forgetUpload: (id) => request("DELETE", `/files/${encodeURIComponent(id)}`),

  /** Whether the server is there. @returns {Promise<boolean>} */
  ping: () => fetch(at("/healthz"), { cache: "no-store" }).then(({ ok }) => ok, () => false),

  /**
   * Asks. The key makes it safe to ask twice, so this tries again once if the connection is lost.
   * @param {object} fields
   * @param {string} key
   * @returns {Promise<{id: string, conversation_id: string, parent: string|null, events_url: string}>}
   */
  async ask(fields, key) {
    const send = () => request("POST", "/messages", fields, { "Idempotency-Key": key });
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 0) throw error;
      return await send();
    }
  },
};

/**
 * What the viewer of a link may ask for. `root` is the link's own address.
 * @param {string} root
 */
export function viewerApi(root) {
  return {
    /** @returns {Promise<Conversation & {messages: Message[]}>} */
    conversation: () => requestAt(root, "GET", "/messages"),

    /** @param {string} id @returns {Promise<Message>} */
    message: (id) => requestAt(root, "GET", `/messages/${encodeURIComponent(id)}`),
  };
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {Record<string, string>} [headers]
 */
function request(method, path, body, headers) {
  return requestAt(ROOT, method, path, body, headers);
}

/**
 * @param {string} root
 * @param {string} method
 * @param {string} path
 * @param {object|string} [body]  a text is JSON already
 * @param {Record<string, string>} [headers]
 */
async function requestAt(root, method, path, body, headers = {}) {
  const isForm = body instanceof FormData; // whose type and boundary the browser says
  const response = await reach(root + path, {
    method,
    headers: { Accept: "application/json", ...(body && !isForm ? { "Content-Type": "application/json" } : {}), ...headers },
    body: typeof body === "object" && !isForm ? JSON.stringify(body) : body,
  });
  if (response.status === 401) signInAgain();
  if (!response.ok) throw await failure(response);
  return response.status === 204 ? null : response.json();
}

let leaving = false;

/**
 * The session has ended: the server's login leads back to here. Several requests may find out. The
 * page of another application is not ours to leave.
 */
function signInAgain() {
  if (leaving || !document.querySelector("[data-page-data]")) return;
  leaving = true;
  location.assign(`${at("/login")}?next=${encodeURIComponent(location.pathname)}`);
}

/** @param {string} url @param {RequestInit} init */
async function reach(url, init) {
  try {
    return await fetch(url, identified(init));
  } catch {
    throw new ApiError(t("The server cannot be reached. Check the connection and try again."), 0, "unreachable", null);
  }
}

/** @param {Response} response */
async function failure(response) {
  const body = await response.json().catch(() => null);
  const { code = "http_error", message = null, trace_id = null } = body?.error ?? {};
  return new ApiError(message ?? t("The server answered {status}.", { status: response.status }), response.status, code, trace_id);
}
