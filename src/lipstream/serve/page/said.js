/**
 * What is said, as it is heard and seen, in; the last of it again, slowly, out.
 */
import { wav } from "./wav.js";

const KEPT_S = 12;
const SAMPLE_RATE_HZ = 16_000;

/** Remembers the last utterance: sound, and from which of its samples on each picture of the mouth is seen. */
export class Said {
  /** @type {Int16Array[]} */
  #sounds = [];
  /** @type {{from: number, mouth: Promise<ImageBitmap>}[]} */
  #mouths = [];
  #samples = 0;
  #complete = false;
  /** Told when there is something to say again. */
  onkept = () => {};

  /** Whether there is something. */
  get any() {
    return this.#mouths.length > 0;
  }

  /**
   * @param {Int16Array[]} sounds at 16 kHz, since the last picture
   * @param {() => Promise<ImageBitmap>} mouth how it looks now
   */
  keep(sounds, mouth) {
    if (this.#complete) this.#forget();
    if (this.#samples > KEPT_S * SAMPLE_RATE_HZ) return;
    this.#mouths.push({ from: this.#samples, mouth: mouth() });
    for (const sound of sounds) {
      this.#sounds.push(sound);
      this.#samples += sound.length;
    }
    this.onkept();
  }

  /** What comes next is another utterance. */
  complete() {
    this.#complete = this.any;
  }

  /**
   * Say it again; the pictures follow the sound.
   *
   * @param {number} speed 1 is as it was; the pitch stays
   * @param {(mouth: ImageBitmap) => void} show
   * @returns {Promise<void>} done when it is over
   */
  async again(speed, show) {
    const mouths = await Promise.all(this.#mouths.map(async ({ from, mouth }) => ({ from, mouth: await mouth })));
    const url = URL.createObjectURL(new Blob([wav(this.#sounds, SAMPLE_RATE_HZ)], { type: "audio/wav" }));
    const audio = new Audio(url);
    audio.playbackRate = speed;
    /** @type {object | null} */
    let last = null;
    const follow = () => {
      const at = audio.currentTime * SAMPLE_RATE_HZ;
      const seen = mouths.findLast(({ from }) => from <= at);
      if (seen && seen !== last) show((last = seen).mouth);
      if (!audio.ended && !audio.paused) requestAnimationFrame(follow);
    };
    await audio.play();
    follow();
    await new Promise((resolve) => audio.addEventListener("pause", resolve)); // comes before "ended" too
    URL.revokeObjectURL(url);
  }

  #forget() {
    for (const { mouth } of this.#mouths) mouth.then((picture) => picture.close());
    this.#sounds = [];
    this.#mouths = [];
    this.#samples = 0;
    this.#complete = false;
  }
}
