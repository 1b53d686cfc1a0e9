/**
 * A track of sound in, a face that speaks in a video element out, over WebRTC: the browser keeps sound and picture together.
 */
import { toInt16 } from "./chunks.js";
import { Trouble } from "./words.js";

const GATHERING_MS = 1500; // addresses that are found later are rarely those that work
const CONNECTING_MS = 8000;
const ENDING_MS = 1500; // a network that is gone answers nothing
const HEARD_HZ = 16_000;
// What was said before an interruption may be on its way from the microphone still: it would be heard so much later.
const UNDER_WAY_MS = 500;
// What the browser holds before it plays it. By itself it shows pictures at once and holds sound until its packets come
// evenly, and takes ten seconds to bring them together; the loudspeaker takes some 40 ms more.
const HELD_MS = { audio: 80, video: 120 };

/** @typedef {import("./way.js").Way} Way */
/** @typedef {import("./way.js").Wish} Wish */
/** @typedef {import("./way.js").Listener} Listener */

/** @implements {Way} */
export class WebRtcWay {
  name = "WebRTC";
  #wish;
  #listener;
  #peer;
  #channel;
  #session = "";
  #audible = true;
  #tap;
  /** @type {any} */
  #stats = {};

  /**
   * @param {Wish} wish
   * @param {Listener} listener
   * @param {RTCConfiguration} configuration
   */
  constructor(wish, listener, configuration) {
    this.#wish = wish;
    this.#listener = listener;
    this.#peer = new RTCPeerConnection(configuration);
    this.#channel = this.#peer.createDataChannel("lipstream.v1");
    this.#channel.onmessage = ({ data }) => this.#told(JSON.parse(data));
    this.#tap = new Tap();
  }

  /**
   * @param {Wish} wish
   * @param {Listener} listener
   * @param {AbortSignal} signal that it is not wished for any more
   * @returns {Promise<WebRtcWay>}
   * @throws {Trouble} the server refuses, or no address of it is reached
   */
  static async open(wish, listener, signal) {
    if (!("RTCPeerConnection" in globalThis)) throw new Trouble("This browser has no WebRTC.", "");
    const way = new WebRtcWay(wish, listener, await (await wish.access.ask("v1/webrtc", { signal })).json());
    try {
      await way.#connect(signal);
    } catch (error) {
      await way.close();
      throw error;
    }
    return way;
  }

  chunk() {} // the track is on its way already

  end() {
    this.#send({ type: "end" });
  }

  interrupt() {
    if (this.#channel.readyState !== "open") return;
    this.#wish.video.muted = true; // what is under way must not be heard
    this.#send({ type: "interrupt" });
  }

  /** @param {boolean} audible */
  set audible(audible) {
    this.#audible = audible;
    this.#wish.video.muted = !audible;
  }

  async figures() {
    const reports = [...(await this.#peer.getStats()).values()];
    const pair = reports.find((one) => one.type === "candidate-pair" && one.nominated);
    const inbound = (/** @type {string} */ kind) => reports.find((one) => one.type === "inbound-rtp" && one.kind === kind);
    const [sound, picture] = [inbound("audio"), inbound("video")];
    const codec = reports.find((one) => one.id === picture?.codecId)?.mimeType ?? "";
    return {
      roundTripMs: pair?.currentRoundTripTime * 1000,
      queueMs: (1000 * sound?.jitterBufferDelay) / sound?.jitterBufferEmittedCount + (this.#stats.queued_ms ?? 0),
      offsetMs: picture?.estimatedPlayoutTimestamp - sound?.estimatedPlayoutTimestamp,
      painted: this.#stats.frames ?? picture?.framesReceived ?? NaN,
      detail: `${codec.replace("video/", "")}, ${picture?.framesDropped ?? 0} dropped, ${picture?.packetsLost ?? 0} lost`,
    };
  }

  async close() {
    this.#peer.onconnectionstatechange = null;
    this.#tap.close();
    this.#wish.video.srcObject = null;
    const session = this.#session;
    this.#session = "";
    const end = { method: "DELETE", keepalive: true, signal: AbortSignal.timeout(ENDING_MS) }; // sent even if the page goes
    if (session) await this.#wish.access.ask(session, end).catch(() => {}); // gone already, then
    this.#peer.close(); // not before: the server would see it go, and know of nothing to delete
  }

  /** @param {AbortSignal} signal */
  async #connect(signal) {
    const { stream, video } = this.#wish;
    if (stream === null) throw new Error("there is no sound to send");
    for (const track of stream.getAudioTracks()) this.#peer.addTransceiver(track, { streams: [stream] });
    this.#peer.addTransceiver("video", { direction: "recvonly" });
    this.#peer.ontrack = ({ receiver, track, streams }) => {
      receiver.jitterBufferTarget = HELD_MS[/** @type {"audio" | "video"} */ (track.kind)]; // where it is known
      video.srcObject = streams[0];
    };
    await this.#peer.setLocalDescription();
    await unless(signal, this.#gathered());
    const answer = await this.#answer(); // awaited even if nobody wants it any more: it says what is to be ended
    await unless(signal, this.#reach(answer));
  }

  /** @param {string} answer the server's SDP */
  async #reach(answer) {
    const { video } = this.#wish;
    await this.#peer.setRemoteDescription({ type: "answer", sdp: answer });
    await this.#connected();
    this.audible = this.#wish.audible;
    await video.play();
    await this.#tap.open(/** @type {MediaStream} */ (video.srcObject));
    if (this.#peer.connectionState === "closed") throw brokenOff(); // meanwhile
    this.#follow();
  }

  async #answer() {
    const { access, avatar, source, gain } = this.#wish;
    const query = new URLSearchParams({ avatar, gain: String(gain), source: source === "microphone" ? source : "tts" });
    const response = await access.ask(`v1/webrtc?${query}`, {
      method: "POST",
      headers: { "content-type": "application/sdp" },
      body: this.#peer.localDescription?.sdp,
    });
    this.#session = (response.headers.get("location") ?? "").replace(/^\//, "");
    return await response.text();
  }

  #gathered() {
    return new Promise((resolve) => {
      setTimeout(resolve, GATHERING_MS);
      this.#peer.onicegatheringstatechange = () => this.#peer.iceGatheringState === "complete" && resolve(null);
    });
  }

  #connected() {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Trouble("No address of the server was reached by WebRTC.", "A firewall may block UDP."));
      setTimeout(fail, CONNECTING_MS);
      this.#peer.onconnectionstatechange = () => {
        const state = this.#peer.connectionState;
        if (state === "connected") resolve(null);
        if (state === "failed") {
          fail();
          this.close().then(() => this.#listener.closed(brokenOff()));
        }
      };
    });
  }

  /** Tell of every picture that is shown. */
  #follow = () => {
    const { video } = this.#wish;
    if (video.srcObject === null) return;
    this.#listener.picture(video, this.#tap.take());
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(this.#follow);
    else setTimeout(this.#follow, 40); // Firefox before 132
  };

  /** @param {any} event */
  #told(event) {
    if (event.type === "stats") this.#stats = event;
    else if (event.type === "error") this.#listener.failed(new Trouble(event.message, "", event.request_id));
    else if (["speaking", "resting", "interrupted"].includes(event.type)) this.#listener.state(event.type);
    if (event.type === "interrupted") setTimeout(() => (this.audible = this.#audible), UNDER_WAY_MS);
  }

  /** @param {object} message */
  #send(message) {
    if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify(message));
  }
}

function brokenOff() {
  return new Trouble("The connection to the server broke off.", "Try again.");
}

/**
 * @template Result
 * @param {AbortSignal} signal
 * @param {Promise<Result>} done
 * @returns {Promise<Result>}
 * @throws the signal's reason, if it comes first
 */
function unless(signal, done) {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp);
    done.then(resolve, reject);
  });
}

/** What is heard of a stream, in 16-bit samples at 16 kHz. */
class Tap {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Int16Array[]} */
  #heard = [];

  /** @param {MediaStream} stream */
  async open(stream) {
    this.#context = new AudioContext({ sampleRate: HEARD_HZ });
    await this.#context.audioWorklet.addModule(new URL("capture.worklet.js", import.meta.url));
    const capture = new AudioWorkletNode(this.#context, "capture", {
      channelCount: 1,
      channelCountMode: "explicit",
      outputChannelCount: [1],
    });
    const mute = new GainNode(this.#context, { gain: 0 });
    this.#context.createMediaStreamSource(stream).connect(capture).connect(mute).connect(this.#context.destination);
    capture.port.onmessage = ({ data }) => {
      this.#heard.push(toInt16(data.chunk));
      this.#heard.splice(0, this.#heard.length - 25);
    };
  }

  /** @returns {Int16Array[]} what was heard since the last call */
  take() {
    return this.#heard.splice(0);
  }

  close() {
    this.#context?.close();
  }
}
