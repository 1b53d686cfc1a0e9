/**
 * Pieces of sound with the sample of the clock at which each begins in, what is heard out; to the sample, unlike a source
 * node a piece.
 */
class Player extends AudioWorkletProcessor {
  /** @type {{start: number, samples: Float32Array}[]} */
  #waiting = [];
  #fading = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data === "drop") this.#fading = true;
      else this.#waiting.push(data);
    };
  }

  process(_, [[heard]]) {
    for (const { start, samples } of this.#waiting) {
      const offset = start - currentFrame;
      if (offset >= heard.length) continue;
      const at = Math.max(0, offset);
      const begin = Math.max(0, -offset);
      heard.set(samples.subarray(begin, begin + heard.length - at), at);
    }
    if (this.#fading) {
      heard.forEach((sample, at) => (heard[at] = sample * (1 - at / heard.length)));
      this.#waiting = [];
      this.#fading = false;
    }
    const end = currentFrame + heard.length;
    this.#waiting = this.#waiting.filter(({ start, samples }) => start + samples.length > end);
    return true;
  }
}

registerProcessor("player", Player);
