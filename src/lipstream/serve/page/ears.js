/**
 * A microphone or a recording in, 40-ms chunks with their level out, and the same as a MediaStream.
 */
import { Trouble } from "./words.js";

/**
 * @typedef {object} Hearing how a microphone is heard
 * @property {string} device id of it, empty for the browser's choice
 * @property {boolean} echoCancellation
 * @property {boolean} noiseSuppression
 * @property {boolean} gate whether quiet is made silence
 */

const STARTING_MS = 5000;

/** One graph for all sources: what is heard goes through the same measure, gate and chunks. */
export class Ears {
  #context;
  #capture;
  #outlet;
  /** @type {AudioNode | null} */
  #source = null;
  /** @type {MediaStream | null} */
  #microphone = null;
  /** Told of every 40 ms: samples to keep, and dBFS before the gate. @type {(chunk: Float32Array, level: number) => void} */
  onchunk = () => {};

  /**
   * @param {AudioContext} context
   * @param {AudioWorkletNode} capture
   * @param {number} wishedHz the rate that was asked for
   */
  constructor(context, capture, wishedHz) {
    this.wishedHz = wishedHz;
    this.#context = context;
    this.#capture = capture;
    this.#outlet = context.createMediaStreamDestination();
    const mute = new GainNode(context, { gain: 0 });
    capture.connect(this.#outlet);
    capture.connect(mute).connect(context.destination); // what leads nowhere is not computed everywhere
    capture.port.onmessage = ({ data }) => this.onchunk(data.chunk, data.level);
  }

  /**
   * @param {number} sampleRateHz wished for
   * @returns {Promise<Ears>}
   * @throws {Trouble} the browser runs no sound
   */
  static async open(sampleRateHz) {
    const context = new AudioContext({ sampleRate: sampleRateHz });
    await context.audioWorklet.addModule(new URL("capture.worklet.js", import.meta.url));
    const capture = new AudioWorkletNode(context, "capture", {
      channelCount: 1,
      channelCountMode: "explicit",
      outputChannelCount: [1],
    });
    await running(context);
    return new Ears(context, capture, sampleRateHz);
  }

  get sampleRateHz() {
    return this.#context.sampleRate;
  }

  /** Whether it hears something. */
  get hears() {
    return this.#source !== null;
  }

  /** What is heard, as a track for WebRTC. */
  get stream() {
    return this.#outlet.stream;
  }

  /**
   * Listen to a microphone until `hush`.
   *
   * @param {Hearing} hearing
   * @param {AbortSignal} signal that something else is to be heard
   * @throws {DOMException} there is none, it is taken, or the visitor does not allow it
   */
  async listen(hearing, signal) {
    const audio = {
      deviceId: hearing.device ? { exact: hearing.device } : undefined,
      channelCount: 1,
      echoCancellation: hearing.echoCancellation,
      noiseSuppression: hearing.noiseSuppression,
      autoGainControl: false, // it would raise the noise of a pause until the gate opens
    };
    const microphone = await navigator.mediaDevices.getUserMedia({ audio });
    if (signal.aborted) for (const track of microphone.getTracks()) track.stop();
    signal.throwIfAborted();
    this.hush();
    this.#microphone = microphone;
    this.#capture.port.postMessage({ gated: hearing.gate });
    this.#connect(this.#context.createMediaStreamSource(microphone));
  }

  /**
   * Hear a recording.
   *
   * @param {ArrayBuffer} file any that the browser decodes
   * @param {AbortSignal} signal that something else is to be heard
   * @param {() => void} onended told when all of it was heard, not if it was hushed before
   * @throws {DOMException} the browser cannot decode it
   */
  async hear(file, signal, onended) {
    const buffer = await this.#context.decodeAudioData(file);
    signal.throwIfAborted();
    this.hush();
    this.#capture.port.postMessage({ gated: false });
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.onended = () => {
      if (this.#source === source) {
        this.hush();
        onended();
      }
    };
    this.#connect(source);
    source.start();
  }

  /** Hear nothing any more. */
  hush() {
    this.#source?.disconnect();
    this.#source = null;
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.#microphone = null;
  }

  /** Leave nothing behind. */
  async close() {
    this.hush();
    await this.#context.close();
  }

  /** @param {AudioNode} source */
  #connect(source) {
    this.#source = source;
    source.connect(this.#capture);
    this.#context.resume();
  }
}

/**
 * @param {AudioContext} context
 * @throws {Trouble} it does not run: Firefox needs something that plays sound, Safari that a button was just pressed
 */
async function running(context) {
  const refused = () => {}; // the state says so
  await Promise.race([context.resume().catch(refused), new Promise((resolve) => setTimeout(resolve, STARTING_MS))]);
  if (context.state === "running") return;
  await context.close();
  throw new Trouble(
    "The browser runs no sound.",
    "Connect a loudspeaker or headphones, then press Microphone, Test voice or Audio file again.",
  );
}
