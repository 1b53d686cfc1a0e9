/**
 * A wish to speak in, an open way to the server out: WebRTC first, else the WebSocket; one at a time, closed when nobody speaks.
 */
import { SocketWay } from "./socket_way.js";
import { TestMode } from "./test_mode.js";
import { WebRtcWay } from "./webrtc_way.js";

const IDLE_MS = 60_000; // a face at rest costs the server as much as one that speaks

/** @typedef {import("./way.js").Way} Way */
/** @typedef {import("./way.js").Wish} Wish */
/** @typedef {import("./way.js").Listener} Listener */
/** @typedef {"auto" | "webrtc" | "websocket"} Choice */

/** @type {Record<Choice, {open: (wish: Wish, listener: Listener) => Promise<Way>}[]>} */
const WAYS = { auto: [WebRtcWay, SocketWay], webrtc: [WebRtcWay], websocket: [SocketWay] };

/** What is open between this page and the server. */
export class Conversation {
  #listener;
  /** @type {Way | null} */
  way = null;
  /** @type {(Wish & {choice: Choice}) | null} */
  #wish = null;
  #opening = 0; // whoever asks last is served
  #idle = 0;
  /** Told when it closed itself. @type {() => void} */
  onidle = () => {};
  /** Told why the first way was not taken. @type {(reason: unknown) => void} */
  onsecond = () => {};

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = {
      ...listener,
      closed: (/** @type {import("./words.js").Trouble} */ trouble) => {
        this.way = this.#wish = null;
        listener.closed(trouble);
      },
    };
  }

  /**
   * Open what is wished for, unless it is open already.
   *
   * @param {Wish & {choice: Choice}} wish
   * @returns {Promise<boolean>} whether it is open; not if another wish came meanwhile
   * @throws {import("./words.js").Trouble} no way leads there
   */
  async open(wish) {
    this.busy();
    if (this.way !== null && same(this.#wish, wish)) return true;
    await this.close();
    const turn = this.#opening;
    const way = await this.#first(wish);
    if (turn !== this.#opening) {
      await way.close();
      return false;
    }
    this.way = way;
    this.#wish = wish;
    return true;
  }

  /**
   * @param {string} avatar
   * @param {ArrayBuffer} sound that repeats
   * @param {import("./access.js").Access} access
   */
  async test(avatar, sound, access) {
    await this.close();
    this.way = await TestMode.open(avatar, sound, access, this.#listener);
  }

  /** Somebody speaks: the time until it closes itself begins again. */
  busy() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close().then(this.onidle), IDLE_MS);
  }

  async close() {
    this.#opening += 1;
    clearTimeout(this.#idle);
    const way = this.way;
    this.way = this.#wish = null;
    await way?.close();
  }

  /** @param {Wish & {choice: Choice}} wish */
  async #first(wish) {
    const [first, second] = WAYS[wish.choice];
    try {
      return await first.open(wish, this.#listener);
    } catch (error) {
      if (second === undefined) throw error;
      this.onsecond(error);
      return await second.open(wish, this.#listener);
    }
  }
}

/**
 * @param {any} one
 * @param {any} other
 * @returns {boolean} whether one way serves both wishes
 */
function same(one, other) {
  return ["avatar", "source", "sampleRateHz", "gain", "choice"].every((name) => one?.[name] === other[name]);
}
