/**
 * A key in, requests that show it and one-use tokens for what cannot out. The key stays in this page's memory.
 */
import { ofResponse, Refusal } from "./words.js";

/** Asks the server. */
export class Access {
  key = "";

  /**
   * @param {string} path relative to the page
   * @param {RequestInit} [init]
   * @returns {Promise<Response>} one that is ok
   * @throws {Trouble} the server refuses; in its own words
   */
  async ask(path, init = {}) {
    const headers = new Headers(init.headers);
    if (this.key) headers.set("authorization", `Bearer ${this.key}`);
    const response = await fetch(new URL(path, document.baseURI), { ...init, headers });
    if (response.status === 401) throw new KeyNeeded((await ofResponse(response)).message);
    if (!response.ok) throw await ofResponse(response);
    return response;
  }

  /** @returns {Promise<string>} a token for one WebSocket; empty where no key is asked for */
  async token() {
    if (!this.key) return "";
    return (await (await this.ask("v1/tokens", { method: "POST" })).json()).token;
  }
}

/** The server wants a key, or another one. */
export class KeyNeeded extends Refusal {
  /** @param {string} what the server said */
  constructor(what) {
    super(what, "Enter a key; `lipstream keys new` makes one.");
  }
}
