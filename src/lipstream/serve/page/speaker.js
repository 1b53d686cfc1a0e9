/**
 * Frames' sound in, heard at its place on the audio clock; and that clock, in samples.
 */
import { heardOf } from "./clock.js";

/** Plays pieces of sound; its clock leads the pictures. */
export class Speaker {
  #context;
  #player;
  #volume;

  /**
   * @param {AudioContext} context
   * @param {AudioWorkletNode} player
   */
  constructor(context, player) {
    this.#context = context;
    this.#player = player;
    this.#volume = context.createGain();
    player.connect(this.#volume).connect(context.destination);
  }

  /**
   * @param {number} sampleRateHz of the sound that will be played
   * @returns {Promise<Speaker>}
   */
  static async open(sampleRateHz) {
    const context = new AudioContext({ sampleRate: sampleRateHz, latencyHint: "interactive" });
    await context.audioWorklet.addModule(new URL("player.worklet.js", import.meta.url));
    const player = new AudioWorkletNode(context, "player", { numberOfInputs: 0, outputChannelCount: [1] });
    context.resume(); // Safari's promise may wait for the next press of a button
    return new Speaker(context, player);
  }

  /** What is played, for whoever measures it. */
  get output() {
    return this.#volume;
  }

  /** The sample that is computed next. */
  get now() {
    return Math.round(this.#context.currentTime * this.#context.sampleRate);
  }

  /** The sample that is heard now. */
  heard() {
    return heardOf(this.#context, performance.now()) * this.#context.sampleRate;
  }

  /**
   * @param {number} start sample of the clock
   * @param {Float32Array} samples
   */
  play(start, samples) {
    this.#player.port.postMessage({ start, samples }, [samples.buffer]);
  }

  /** Be silent at once. */
  drop() {
    this.#player.port.postMessage("drop");
  }

  /** @param {boolean} audible whether it is heard; the clock goes on */
  set audible(audible) {
    this.#volume.gain.setTargetAtTime(audible ? 1 : 0, this.#context.currentTime, 0.01);
  }

  /** Leave nothing behind. */
  async close() {
    await this.#context.close();
  }
}
