/**
 * Sound of a microphone or a file in; the same through the gate out, and as messages: chunks of 40 ms with their level.
 */
import { Chunker } from "./chunks.js";
import { Gate, LevelMeter, WINDOW_MS } from "./level.js";

const RAMP_MS = 5; // a gate that opens within a sample clicks

class Capture extends AudioWorkletProcessor {
  #meter = new LevelMeter(sampleRate);
  #gate = new Gate(sampleRate);
  #gated = false;
  #gain = 1;
  #level = 0;
  #chunker = new Chunker(Math.round((sampleRate * WINDOW_MS) / 1000), (chunk) => {
    this.port.postMessage({ chunk, level: this.#level }, [chunk.buffer]);
  });

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      this.#gated = data.gated;
    };
  }

  process([input], [output]) {
    const passed = output[0];
    const block = input[0] ?? new Float32Array(passed.length); // nothing is connected
    this.#level = this.#meter.push(block);
    const open = this.#gate.push(this.#level, block.length) || !this.#gated;
    const step = ((open ? 1 : -1) * 1000) / (RAMP_MS * sampleRate);
    for (let at = 0; at < block.length; at += 1) {
      this.#gain = Math.min(1, Math.max(0, this.#gain + step));
      passed[at] = block[at] * this.#gain;
    }
    this.#chunker.push(passed);
    return true;
  }
}

registerProcessor("capture", Capture);
