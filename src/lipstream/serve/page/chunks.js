/**
 * Sound in blocks of any length in, chunks of 40 ms out; float samples in, 16-bit ones out.
 */

/** Cuts a stream of blocks into chunks of one length. */
export class Chunker {
  #chunkSamples;
  #chunk;
  #filled = 0;
  #emit;

  /**
   * @param {number} chunkSamples
   * @param {(chunk: Float32Array) => void} emit is given each chunk, to keep or to transfer
   */
  constructor(chunkSamples, emit) {
    this.#chunkSamples = chunkSamples;
    this.#chunk = new Float32Array(chunkSamples);
    this.#emit = emit;
  }

  /** @param {Float32Array} block */
  push(block) {
    for (let taken = 0; taken < block.length; ) {
      const part = block.subarray(taken, taken + this.#chunkSamples - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === this.#chunkSamples) {
        this.#emit(this.#chunk);
        this.#chunk = new Float32Array(this.#chunkSamples);
        this.#filled = 0;
      }
    }
  }
}

/**
 * @param {Float32Array} samples -1..1
 * @returns {Int16Array} the same, clamped
 */
export function toInt16(samples) {
  return Int16Array.from(samples, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * 32767))));
}

/**
 * @param {Int16Array} samples
 * @returns {Float32Array} -1..1
 */
export function toFloat(samples) {
  return Float32Array.from(samples, (sample) => sample / 32767);
}
