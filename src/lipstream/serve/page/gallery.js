/**
 * The server's avatars in, posters to choose from out.
 */

import { KeyNeeded } from "./access.js";
import { write } from "./controls.js";

/**
 * @typedef {object} Avatar
 * @property {string} name
 * @property {string} poster path of its picture
 */

/** Radio buttons with posters. */
export class Gallery {
  #place;
  #access;
  #chosen = "";
  #poster = "";
  /** Told of another choice. @type {(name: string) => void} */
  onchoice = () => {};

  /**
   * @param {HTMLElement} place
   * @param {import("./access.js").Access} access
   */
  constructor(place, access) {
    this.#place = place;
    this.#access = access;
  }

  /** The chosen avatar's name; empty before there are any. */
  get chosen() {
    return this.#chosen;
  }

  /** The URL of a picture of it. */
  get poster() {
    return this.#poster;
  }

  /**
   * Ask the server, and choose one.
   *
   * @param {string} wished name of the one that is chosen, if it is there
   */
  async load(wished) {
    /** @type {Avatar[]} */
    const avatars = (await (await this.#ask()).json()).avatars;
    const cards = await Promise.all(avatars.map((avatar) => this.#card(avatar)));
    this.#place.replaceChildren(...cards.map(({ card }) => card));
    const chosen = cards.find(({ name }) => name === wished) ?? cards.find(({ name }) => name === "iris") ?? cards[0];
    if (chosen === undefined) {
      this.#say("There is no avatar on this server; `lipstream avatar install` adds one.");
      return;
    }
    chosen.input.checked = true;
    this.#choose(chosen.name, chosen.url);
  }

  async #ask() {
    try {
      return await this.#access.ask("v1/avatars");
    } catch (error) {
      this.#say(error instanceof KeyNeeded ? "They are shown to whoever has a key." : "The server did not say.");
      throw error;
    }
  }

  /** @param {string} text in place of avatars */
  #say(text) {
    const hint = Object.assign(document.createElement("p"), { className: "hint" });
    write(hint, text);
    this.#place.replaceChildren(hint);
  }

  /** @param {Avatar} avatar */
  async #card({ name, poster }) {
    const url = URL.createObjectURL(await (await this.#access.ask(poster.replace(/^\//, ""))).blob()); // img shows no key
    const card = document.createElement("label");
    card.className = "avatar";
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "avatar", value: name });
    const image = Object.assign(document.createElement("img"), { src: url, alt: "" });
    const title = Object.assign(document.createElement("span"), { textContent: name });
    input.addEventListener("change", () => this.#choose(name, url));
    card.append(input, image, title);
    return { card, input, name, url };
  }

  /**
   * @param {string} name
   * @param {string} url
   */
  #choose(name, url) {
    this.#chosen = name;
    this.#poster = url;
    this.onchoice(name);
  }
}
