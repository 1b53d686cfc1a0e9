/**
 * Wishes to speak in, one open way to the server at a time out: the last wish counts, and what is open for another is closed first.
 */
import { Refusal } from "./words.js";

const IDLE_MS = 60_000; // a face at rest costs the server as much as one that speaks
const DECIDES = ["avatar", "source", "sampleRateHz", "stream", "gain", "choice"];

/** @typedef {import("./way.js").Way} Way */
/** @typedef {import("./way.js").Wish} Wish */
/** @typedef {import("./way.js").Listener} Listener */
/** @typedef {import("./words.js").Trouble} Trouble */
/** @typedef {"idle" | "connecting" | "open" | "closing"} State */

/**
 * @typedef {object} Kind of way
 * @property {(wish: Wish, listener: Listener, signal: AbortSignal) => Promise<Way>} open where the signal comes, whatever
 *   was begun is ended before it throws
 */

/** What is open between this page and the server. */
export class Conversation {
  /** @type {State} */
  state = "idle";
  /** @type {Way | null} */
  way = null;
  /** What is to be open in the end. @type {Wish | null} */
  wanted = null;
  /** Told of another state. @type {(state: State) => void} */
  onstate = () => {};
  /** Told when it closed itself. @type {() => void} */
  onidle = () => {};
  /** Told why the first way was not taken. @type {(reason: unknown) => void} */
  onsecond = () => {};
  #kinds;
  #listener;
  /** What is open, or being opened. @type {Wish | null} */
  #held = null;
  #giveUp = new AbortController(); // of what is being opened
  /** @type {(open: boolean) => void} */
  #tell = () => {};
  /** @type {(error: unknown) => void} */
  #fail = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #idle;

  /**
   * @param {Record<string, Kind[]>} kinds for each choice: the way to take, and the one to take where that does not come about
   * @param {Listener} listener
   */
  constructor(kinds, listener) {
    this.#kinds = kinds;
    this.#listener = listener;
  }

  /**
   * Open what is wished for, unless it is open already.
   *
   * @param {Wish} wish
   * @returns {Promise<boolean>} whether it is open; not if another wish came meanwhile
   * @throws {Trouble} no way leads there
   */
  open(wish) {
    this.busy();
    return this.#want(wish);
  }

  /** @returns {Promise<boolean>} whether nothing is open any more; not if a wish came meanwhile */
  close() {
    return this.#want(null);
  }

  /** Somebody speaks: the time until it closes itself begins again. */
  busy() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close().then((closed) => closed && this.onidle()), IDLE_MS);
  }

  /**
   * @param {Wish | null} wish
   * @returns {Promise<boolean>}
   */
  #want(wish) {
    this.#tell(false);
    const told = new Promise((resolve, reject) => ([this.#tell, this.#fail] = [resolve, reject]));
    this.wanted = wish;
    if (this.state === "connecting" && !same(this.#held, wish)) this.#giveUp.abort();
    if (this.state === "idle" || this.state === "open") this.#pursue(); // else it goes on by itself
    return told;
  }

  async #pursue() {
    while (!same(this.#held, this.wanted)) {
      if (this.#held !== null) await this.#leave();
      else if (this.wanted !== null) await this.#reach(this.wanted);
    }
    if (this.#held === null) clearTimeout(this.#idle);
    this.#become(this.#held === null ? "idle" : "open");
    this.#tell(true);
  }

  async #leave() {
    const way = this.way;
    this.way = null;
    this.#become("closing");
    await way?.close().catch(() => {}); // it is gone in any case
    this.#held = null;
  }

  /** @param {Wish} wish */
  async #reach(wish) {
    this.#held = wish;
    const { signal } = (this.#giveUp = new AbortController());
    this.#become("connecting");
    try {
      const way = await this.#first(wish, signal);
      this.way = way;
      if (signal.aborted) await this.#leave();
    } catch (error) {
      this.#held = null;
      if (signal.aborted) return;
      this.wanted = null;
      this.#fail(error);
    }
  }

  /**
   * @param {Wish} wish
   * @param {AbortSignal} signal
   * @returns {Promise<Way>}
   */
  async #first(wish, signal) {
    const [first, second] = this.#kinds[wish.choice];
    const listener = this.#hearing(wish);
    try {
      return await first.open(wish, listener, signal);
    } catch (error) {
      if (second === undefined || signal.aborted || error instanceof Refusal) throw error;
      this.onsecond(error);
      return await second.open(wish, listener, signal);
    }
  }

  /**
   * @param {Wish} wish
   * @returns {Listener} that hears only as long as the wish is held and not being closed
   */
  #hearing(wish) {
    const { state, picture, failed } = this.#listener;
    const held = (/** @type {any} */ tell) => (/** @type {any[]} */ ...told) => {
      if (this.#held === wish && this.state !== "closing") tell(...told);
    };
    return { state: held(state), picture: held(picture), failed: held(failed), closed: held(this.#lost) };
  }

  #lost = (/** @type {Trouble} */ trouble) => {
    if (this.state !== "open") return; // whoever opens or closes it finds out
    this.way = this.#held = this.wanted = null;
    clearTimeout(this.#idle);
    this.#become("idle");
    this.#listener.closed(trouble);
  };

  /** @param {State} state */
  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.onstate(state);
  }
}

/**
 * @param {any} one
 * @param {any} other
 * @returns {boolean} whether one way serves both wishes
 */
function same(one, other) {
  if (one === null || other === null) return one === other;
  return DECIDES.every((name) => one[name] === other[name]);
}
