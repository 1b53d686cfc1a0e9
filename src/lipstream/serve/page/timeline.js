/**
 * Frames as they arrive in; when each is heard, and which picture is due, out. Time is an argument: samples of the audio
 * clock, which leads.
 */

const KEPT = 100; // frames whose start is remembered: 4 s, more than ever waits to be shown

/**
 * @typedef {object} Delays
 * @property {number} [leadMs] how far ahead of the clock the first frame is placed, so that the next ones may be late
 * @property {number} [slackMs] how much more than that may wait before frames at rest are left out
 * @property {number} [mostLeadMs] the lead grows with what was late, up to this
 */

/** Places frames one after the other on the audio clock. */
export class Timeline {
  #frameSamples;
  #perMs;
  #leadMs;
  #leastLeadMs;
  #slackMs;
  #mostLeadMs;
  /** @type {number | null} */
  #next = null;
  /** @type {{index: number, start: number}[]} */
  #starts = [];
  /** How often a frame came too late for its turn. */
  stalls = 0;
  /** Frames at rest that were left out, so that what waits stays short. */
  leftOut = 0;

  /**
   * @param {number} sampleRateHz of the clock
   * @param {number} frameSamples
   * @param {Delays} [delays]
   */
  constructor(sampleRateHz, frameSamples, { leadMs = 80, slackMs = 80, mostLeadMs = 400 } = {}) {
    this.#perMs = sampleRateHz / 1000;
    this.#frameSamples = frameSamples;
    this.#leadMs = this.#leastLeadMs = leadMs;
    this.#slackMs = slackMs;
    this.#mostLeadMs = mostLeadMs;
  }

  /**
   * Where the sound of the next frame begins.
   *
   * @param {number} index its number
   * @param {boolean} atRest whether it could be left out
   * @param {number} now the clock, in samples: what was written before it has gone
   * @returns {number | null} samples of the clock; null if it is left out
   */
  place(index, atRest, now) {
    if (this.#next === null) {
      this.#next = this.#ahead(now);
    } else if (this.#next < now) {
      this.#late((now - this.#next) / this.#perMs);
      this.#next = this.#ahead(now);
    } else if (atRest && this.waitingMs(now) > this.#leadMs + this.#slackMs) {
      this.leftOut += 1;
      return null;
    }
    this.#leadMs = Math.max(this.#leastLeadMs, this.#leadMs * 0.9995); // half of it goes within a minute
    const start = this.#next;
    this.#next += this.#frameSamples;
    this.#starts.push({ index, start });
    this.#starts.splice(0, this.#starts.length - KEPT);
    return start;
  }

  /**
   * The frame whose picture belongs to what is heard now.
   *
   * @param {number} heard the sample that is heard, by the same clock
   * @returns {{index: number, start: number} | null} null before the first
   */
  due(heard) {
    return this.#starts.findLast(({ start }) => start <= heard) ?? null;
  }

  /**
   * @param {number} index a frame's number
   * @returns {number | undefined} where its sound begins
   */
  startOf(index) {
    return this.#starts.findLast((one) => one.index === index)?.start;
  }

  /**
   * @param {number} now
   * @returns {number} ms of sound that are placed and not yet gone
   */
  waitingMs(now) {
    return this.#next === null ? 0 : Math.max(0, this.#next - now) / this.#perMs;
  }

  /** Forget what was placed: the next frame is the first. */
  drop() {
    this.#next = null;
    this.#starts = [];
  }

  /** @param {number} now */
  #ahead(now) {
    return Math.round(now + this.#leadMs * this.#perMs);
  }

  /** @param {number} lateMs */
  #late(lateMs) {
    this.stalls += 1;
    this.#leadMs = Math.min(this.#mostLeadMs, this.#leadMs + lateMs);
  }
}
