// @ts-check
/**
 * `<chatapp-chat>`: a chat in the page of another application, in a shadow root of its own.
 *
 *     <script type="module" src="/chat/static/js/chatapp-chat.js"></script>
 *     <chatapp-chat url="/chat" model="words" height="30rem"></chatapp-chat>
 *
 * It only knows where the server is, and lets that server's own modules make the chat: so a page may
 * hold chats of several servers, each with the scripts of its version. docs/guides/embed.md lists
 * the attributes and the events.
 */

/** @typedef {import("./element/embedded-chat.js").EmbeddedChat} EmbeddedChat */

export class ChatappChat extends HTMLElement {
  static observedAttributes = ["height", "theme"];
  /** @type {Promise<EmbeddedChat|null>|null} */ #chat = null;

  connectedCallback() {
    this.#chat ??= this.#begin();
  }

  disconnectedCallback() {
    this.#chat?.then((chat) => chat?.stop());
    this.#chat = null;
  }

  /** @param {string} name @param {string|null} _before @param {string|null} value */
  attributeChangedCallback(name, _before, value) {
    if (name === "height") this.style.blockSize = value ?? "";
    else if (value) this.dataset.theme = value;
    else delete this.dataset.theme;
  }

  /** Asks, as if the reader had. @param {string} prompt @returns {Promise<boolean>} whether the server accepted it */
  async ask(prompt) {
    const chat = await this.#chat;
    return chat ? chat.ask(prompt) : false;
  }

  /** Without its scripts nothing else could say what is wrong. */
  async #begin() {
    const shadow = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    shadow.replaceChildren(document.createElement("slot"));
    try {
      return await this.#started(shadow);
    } catch (error) {
      shadow.replaceChildren(trouble());
      this.dispatchEvent(new CustomEvent("chatapp-refused", { bubbles: true }));
      this.#chat = null; // placed anew, it tries again
      console.error(error);
      return null;
    }
  }

  /** @param {ShadowRoot} shadow */
  async #started(shadow) {
    const url = this.getAttribute("url");
    const modules = url === null ? new URL("./", import.meta.url) : new URL(`${url.replace(/\/$/, "")}/static/js/`, document.baseURI);
    const { EmbeddedChat } = await import(new URL("element/embedded-chat.js", modules).href);
    const chat = new EmbeddedChat(this, shadow);
    if (this.isConnected) await chat.start();
    return chat;
  }
}

/** In the words that the page has put into the element, if there are any. */
function trouble() {
  const words = document.createElement("slot");
  words.lang = "en";
  words.textContent = "The chat cannot be loaded. Check the connection, and load this page again.";
  return words;
}

// Another server's script may have defined it already; either does.
if (!customElements.get("chatapp-chat")) customElements.define("chatapp-chat", ChatappChat);
