/**
 * A sound that repeats in, its pictures one request at a time over the reference system's /ws out.
 */
import { FRAME_IDS, pictureRequest, readAnswer, SAMPLE_RATE_HZ, windowOf } from "./dialect.js";
import { toInt16 } from "./chunks.js";
import { ofClose, Trouble } from "./words.js";

const FRAME_MS = 40;

/** @typedef {import("./way.js").Way} Way */

/**
 * Asks for pictures 0 to 9 in turn; the next request leaves when the last one was answered, at most 25 a second.
 *
 * @implements {Way}
 */
export class TestMode {
  name = "WebSocket /ws";
  #socket;
  #sound;
  #avatar;
  #listener;
  #frame = 0;
  #sentMs = 0;
  #roundTripMs = NaN;
  #inferences = NaN;
  #processingMs = NaN;
  #timer = 0;

  /**
   * @param {WebSocket} socket that is open
   * @param {Int16Array} sound at 24 kHz
   * @param {string} avatar
   * @param {import("./way.js").Listener} listener
   */
  constructor(socket, sound, avatar, listener) {
    this.#socket = socket;
    this.#sound = sound;
    this.#avatar = avatar;
    this.#listener = listener;
    socket.onmessage = ({ data }) => this.#answered(data);
    socket.onclose = ({ code }) => listener.closed(ofClose(code));
    this.#ask();
  }

  /**
   * @param {import("./way.js").Wish} wish with a recording
   * @param {import("./way.js").Listener} listener
   * @param {AbortSignal} signal that it is not wished for any more
   * @returns {Promise<TestMode>}
   */
  static async open({ avatar, recording, access }, listener, signal) {
    if (recording === undefined) throw new Error("the test mode has no sound");
    const decoded = await new OfflineAudioContext(1, 1, SAMPLE_RATE_HZ).decodeAudioData(recording);
    const address = new URL("ws", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    const token = await access.token();
    if (token) address.searchParams.set("token", token);
    signal.throwIfAborted();
    const socket = new WebSocket(address);
    signal.addEventListener("abort", () => socket.close());
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = ({ code }) => reject(ofClose(code));
    });
    return new TestMode(socket, toInt16(decoded.getChannelData(0)), avatar, listener);
  }

  chunk() {} // it has a sound of its own

  end() {}

  interrupt() {}

  /** @param {boolean} _ the pictures are mute */
  set audible(_) {}

  async figures() {
    return {
      roundTripMs: this.#roundTripMs,
      queueMs: NaN,
      offsetMs: NaN,
      painted: this.#inferences,
      detail: `picture ${this.#frame % FRAME_IDS}, ${Math.round(this.#processingMs)} ms in the server`,
    };
  }

  async close() {
    clearTimeout(this.#timer);
    this.#socket.onclose = this.#socket.onmessage = null;
    this.#socket.close();
  }

  #ask() {
    this.#sentMs = performance.now();
    const window = windowOf(this.#sound, this.#frame);
    this.#socket.send(pictureRequest(this.#avatar, this.#frame % FRAME_IDS, window));
  }

  /** @param {string} text */
  async #answered(text) {
    const answer = readAnswer(text);
    if (answer === null) return;
    this.#roundTripMs = performance.now() - this.#sentMs;
    if (!answer.success) {
      this.#listener.failed(new Trouble(answer.error, ""));
      return;
    }
    this.#inferences = answer.inferences;
    this.#processingMs = answer.processingMs;
    const picture = await createImageBitmap(new Blob([/** @type {BlobPart} */ (answer.jpeg)], { type: "image/jpeg" }));
    this.#listener.picture(picture, []);
    picture.close();
    this.#frame += 1;
    this.#timer = setTimeout(() => this.#ask(), Math.max(0, this.#sentMs + FRAME_MS - performance.now()));
  }
}
