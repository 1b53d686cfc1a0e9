/**
 * Encoded pictures in, as they arrive; the one that is due, decoded, out.
 */

const MOST_WAITING = 75; // 3 s: in a tab that is not shown nobody takes them

/** @typedef {ImageBitmap | VideoFrame} Picture */

/** Decoded pictures, until their turn. */
export class Waiting {
  /** @type {Map<number, Picture>} */
  #pictures = new Map();

  /**
   * @param {number} index
   * @param {Picture} picture
   */
  put(index, picture) {
    this.#pictures.set(index, picture);
    for (const old of [...this.#pictures.keys()].slice(0, -MOST_WAITING)) this.#forget(old);
  }

  /**
   * @param {number} due number of the frame that is heard
   * @returns {{index: number, picture: Picture} | null} the newest up to it, to close when it is drawn; older ones are gone
   */
  take(due) {
    const index = Math.max(-1, ...[...this.#pictures.keys()].filter((one) => one <= due));
    const picture = this.#pictures.get(index);
    if (picture === undefined) return null;
    this.#pictures.delete(index);
    for (const old of this.#pictures.keys()) if (old < index) this.#forget(old);
    return { index, picture };
  }

  drop() {
    for (const index of this.#pictures.keys()) this.#forget(index);
  }

  /** @param {number} index */
  #forget(index) {
    this.#pictures.get(index)?.close();
    this.#pictures.delete(index);
  }
}

/**
 * @typedef {object} Decoder
 * @property {(index: number, key: boolean, data: Uint8Array) => void} push
 * @property {() => void} close
 */

/**
 * @param {Waiting} waiting where pictures go
 * @returns {Decoder}
 */
export function jpegDecoder(waiting) {
  let closed = false;
  return {
    push(index, key, data) {
      createImageBitmap(new Blob([/** @type {BlobPart} */ (data)], { type: "image/jpeg" })).then(
        (picture) => (closed ? picture.close() : waiting.put(index, picture)),
        () => {}, // a broken picture is left out: the next one comes in 40 ms
      );
    },
    close: () => (closed = true),
  };
}

/**
 * @param {Waiting} waiting where pictures go
 * @param {string} codec as WebCodecs calls it
 * @param {() => void} onlost told when it needs a key frame
 * @returns {Decoder}
 */
export function h264Decoder(waiting, codec, onlost) {
  let lost = true; // nothing can be shown before the first key frame
  const make = () => {
    const decoder = new VideoDecoder({
      output: (picture) => waiting.put(Math.round(picture.timestamp / 40_000), picture),
      error: () => {
        lost = true;
        onlost();
      },
    });
    decoder.configure({ codec, optimizeForLatency: true });
    return decoder;
  };
  let decoder = make();
  return {
    push(index, key, data) {
      if (lost && !key) return;
      if (decoder.state === "closed") decoder = make();
      lost = false;
      decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp: index * 40_000, data }));
    },
    close: () => {
      if (decoder.state !== "closed") decoder.close();
    },
  };
}

/** @returns {Promise<boolean>} whether this browser decodes what the server encodes */
export async function decodesH264() {
  if (!("VideoDecoder" in globalThis)) return false;
  const { supported } = await VideoDecoder.isConfigSupported({ codec: "avc1.42C01F" }).catch(() => ({ supported: false }));
  return supported === true;
}
