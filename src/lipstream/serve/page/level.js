/**
 * Blocks of samples in; their level, and whether somebody speaks, out. One measure for the meter and for the gate.
 */

export const SILENCE_DB = -100;
export const WINDOW_MS = 40;

/**
 * @param {number} meanSquare of samples in -1..1
 * @returns {number} dBFS, where a full sine is -3; never below SILENCE_DB
 */
export function decibels(meanSquare) {
  return meanSquare > 1e-10 ? 10 * Math.log10(meanSquare) : SILENCE_DB;
}

/**
 * @param {number} db dBFS
 * @returns {number} 0..1, how much of a meter is lit: nothing at -70, all at -6
 */
export function lit(db) {
  return Math.min(1, Math.max(0, (db + 70) / 64));
}

/** The level of the last 40 ms. */
export class LevelMeter {
  #squares;
  #at = 0;
  #sum = 0;
  #sumSinceWrap = 0; // replaces the other once a round, so that rounding does not gather

  /** @param {number} sampleRateHz */
  constructor(sampleRateHz) {
    this.#squares = new Float64Array(Math.round((sampleRateHz * WINDOW_MS) / 1000));
  }

  /**
   * @param {Float32Array} block any number of samples
   * @returns {number} dBFS
   */
  push(block) {
    for (const sample of block) {
      const square = sample * sample;
      this.#sum += square - this.#squares[this.#at];
      this.#sumSinceWrap += square;
      this.#squares[this.#at] = square;
      this.#at += 1;
      if (this.#at === this.#squares.length) {
        this.#at = 0;
        this.#sum = this.#sumSinceWrap;
        this.#sumSinceWrap = 0;
      }
    }
    return decibels(Math.max(0, this.#sum) / this.#squares.length);
  }
}

/** Shuts when it has been quiet for a while: a distant fan must not move the mouth. */
export class Gate {
  #quietSamples = Infinity;
  #holdSamples;

  /**
   * @param {number} sampleRateHz
   * @param {{openDb?: number, holdMs?: number}} [options] from which level it opens, and how long it stays open
   */
  constructor(sampleRateHz, { openDb = -55, holdMs = 400 } = {}) {
    this.openDb = openDb;
    this.#holdSamples = (sampleRateHz * holdMs) / 1000;
  }

  /**
   * @param {number} db level of the block, dBFS
   * @param {number} samples its length
   * @returns {boolean} whether the block may pass
   */
  push(db, samples) {
    this.#quietSamples = db >= this.openDb ? 0 : this.#quietSamples + samples;
    return this.#quietSamples < this.#holdSamples;
  }
}
