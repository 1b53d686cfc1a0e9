/**
 * Chunks of sound in, a face that speaks on a canvas out, over the native WebSocket: the audio clock leads.
 */
import { toFloat, toInt16 } from "./chunks.js";
import { decodesH264, h264Decoder, jpegDecoder, Waiting } from "./pictures.js";
import { readFrame, samplesOf, soundMessage, SUBPROTOCOL } from "./protocol.js";
import { Speaker } from "./speaker.js";
import { Timeline } from "./timeline.js";
import { Trouble, ofClose } from "./words.js";

const PING_MS = 1000;
const HEARD_HZ = 16_000; // whatever is sent, sound comes back so
const VSYNC_S = 0.016; // what is drawn now is seen with the next refresh

/** @typedef {import("./way.js").Way} Way */
/** @typedef {import("./way.js").Wish} Wish */
/** @typedef {import("./way.js").Listener} Listener */

/** @implements {Way} */
export class SocketWay {
  name = "WebSocket";
  #wish;
  #listener;
  #socket;
  #speaker;
  #decoder;
  #started;
  #timeline;
  #waiting = new Waiting();
  /** @type {Map<number, Int16Array>} */
  #sounds = new Map(); // of frames that are placed and not yet shown
  #interrupting = false;
  #shown = 0;
  #offsetMs = 0;
  #roundTripMs = NaN;
  /** @type {any} */
  #stats = {};
  /** @type {Trouble | null} */
  #said = null;
  #timer = 0;
  #request = 0;

  /**
   * @param {Wish} wish
   * @param {Listener} listener
   * @param {WebSocket} socket
   * @param {any} started the server's first message
   * @param {Speaker} speaker
   */
  constructor(wish, listener, socket, started, speaker) {
    this.#wish = wish;
    this.#listener = listener;
    this.#socket = socket;
    this.#started = started;
    this.#speaker = speaker;
    this.#timeline = new Timeline(started.sample_rate_hz, started.frame_samples);
    this.#decoder =
      started.picture === "h264"
        ? h264Decoder(this.#waiting, started.codec, () => this.#send({ type: "key_frame" }))
        : jpegDecoder(this.#waiting);
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#told(JSON.parse(data)) : this.#arrived(data));
    socket.onclose = (event) => this.#gone(event);
    this.#timer = setInterval(() => this.#send({ type: "ping", sent_ms: performance.now() }), PING_MS);
    this.#request = requestAnimationFrame(this.#draw);
    this.audible = wish.audible;
  }

  /**
   * @param {Wish} wish
   * @param {Listener} listener
   * @param {AbortSignal} signal that it is not wished for any more
   * @returns {Promise<SocketWay>}
   * @throws {Trouble} the server does not let us in, or is not there
   */
  static async open(wish, listener, signal) {
    const address = new URL("v1/stream", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    const token = await wish.access.token();
    if (token) address.searchParams.set("token", token);
    const picture = (await decodesH264()) ? "h264" : "jpeg";
    const speaker = await Speaker.open(HEARD_HZ);
    const start = {
      type: "start",
      avatar: wish.avatar,
      source: wish.source === "microphone" ? "microphone" : "tts",
      sample_rate_hz: wish.sampleRateHz,
      picture,
      gain: wish.gain,
    };
    try {
      signal.throwIfAborted();
      const socket = new WebSocket(address, SUBPROTOCOL);
      socket.binaryType = "arraybuffer";
      signal.addEventListener("abort", () => socket.close(1000));
      const started = await begun(socket, start);
      return new SocketWay(wish, listener, socket, started, speaker); // at once: frames follow
    } catch (error) {
      await speaker.close();
      throw error;
    }
  }

  /** @param {Float32Array} samples */
  chunk(samples) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(soundMessage(toInt16(samples)));
  }

  end() {
    this.#send({ type: "end" });
  }

  interrupt() {
    this.#interrupting = true; // what is under way must not be heard: until the answer comes, frames are left out
    this.#silence();
    this.#send({ type: "interrupt" });
  }

  /** @param {boolean} audible */
  set audible(audible) {
    this.#speaker.audible = audible;
  }

  async figures() {
    return {
      roundTripMs: this.#roundTripMs,
      queueMs: this.#timeline.waitingMs(this.#speaker.now) + (this.#stats.queued_ms ?? 0),
      offsetMs: this.#offsetMs,
      painted: this.#stats.frames ?? NaN,
      detail: `${this.#started.picture === "h264" ? "H.264" : "JPEG"}, ${this.#timeline.stalls} late`,
    };
  }

  /** What is heard, for whoever measures it. */
  get output() {
    return this.#speaker.output;
  }

  async close() {
    this.#socket.onclose = this.#socket.onmessage = null;
    this.#socket.close(1000);
    await this.#finish();
  }

  /** @param {any} event */
  #told(event) {
    if (event.type === "pong") this.#roundTripMs = performance.now() - event.sent_ms;
    else if (event.type === "stats") this.#stats = event;
    else if (event.type === "error") this.#said = new Trouble(event.message, "", event.request_id); // and closes
    else if (event.type === "speaking" || event.type === "resting") this.#listener.state(event.type);
    else if (event.type === "interrupted") {
      this.#interrupting = false;
      this.#listener.state("interrupted");
    }
  }

  /** @param {ArrayBuffer} message */
  #arrived(message) {
    const frame = readFrame(message);
    if (frame === null) return;
    if (!frame.repeated) this.#decoder.push(frame.index, frame.key, frame.picture); // H.264 needs each, shown or not
    if (this.#interrupting) return;
    const start = this.#timeline.place(frame.index, frame.filler, this.#speaker.now);
    if (start === null) return;
    const sound = samplesOf(frame.sound);
    if (!frame.filler) this.#speaker.play(start, toFloat(sound));
    this.#sounds.set(frame.index, sound);
  }

  #draw = () => {
    this.#request = requestAnimationFrame(this.#draw);
    const heard = this.#speaker.heard() + VSYNC_S * this.#started.sample_rate_hz;
    const due = this.#timeline.due(heard);
    const taken = due === null ? null : this.#waiting.take(due.index);
    if (taken === null) return;
    this.#shown += 1;
    const start = this.#timeline.startOf(taken.index);
    if (start !== undefined) this.#offsetMs = ((start - heard) * 1000) / this.#started.sample_rate_hz;
    this.#listener.picture(taken.picture, this.#soundUpTo(taken.index));
    taken.picture.close();
  };

  /**
   * @param {number} index
   * @returns {Int16Array[]} sound of the frames up to this one that was not asked for yet
   */
  #soundUpTo(index) {
    const past = [...this.#sounds.keys()].filter((one) => one <= index);
    return past.map((one) => {
      const sound = this.#sounds.get(one) ?? new Int16Array();
      this.#sounds.delete(one);
      return sound;
    });
  }

  #silence() {
    this.#speaker.drop();
    this.#timeline.drop();
    this.#waiting.drop();
    this.#sounds.clear();
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {CloseEvent} event */
  async #gone(event) {
    await this.#finish();
    this.#listener.closed(this.#said ?? ofClose(event.code));
  }

  async #finish() {
    clearInterval(this.#timer);
    cancelAnimationFrame(this.#request);
    this.#silence();
    this.#decoder.close();
    await this.#speaker.close();
  }
}

/**
 * @param {WebSocket} socket
 * @param {object} start
 * @returns {Promise<any>} the server's first message
 */
function begun(socket, start) {
  return new Promise((resolve, reject) => {
    /** @type {Trouble | null} */
    let said = null;
    socket.onopen = () => socket.send(JSON.stringify(start));
    socket.onclose = (event) => reject(said ?? ofClose(event.code));
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "started") resolve(message);
      if (message.type === "error") said = new Trouble(message.message, "", message.request_id);
    };
  });
}
