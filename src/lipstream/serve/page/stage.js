/**
 * Pictures of whichever way in, the face where it is seen out: poster, canvas or video, and the mouth close up.
 */

/**
 * @typedef {object} Box in pixels of the picture
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 */

const LIPS = { width: 0.7, middle: 0.43 }; // of what is painted, nose to chin: shares of its width and height

/** What is seen. */
export class Stage {
  #poster;
  #canvas;
  #closeup;
  #video;
  /** @type {Box | null} */
  mouth = null;
  /** Whether the close-up is drawn. */
  close = false;
  /** Pictures drawn so far. */
  drawn = 0;

  /**
   * @param {HTMLImageElement} poster
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLVideoElement} video
   * @param {HTMLCanvasElement} closeup
   */
  constructor(poster, canvas, video, closeup) {
    this.#poster = poster;
    this.#canvas = canvas;
    this.#video = video;
    this.#closeup = closeup;
  }

  /**
   * Show a still picture, until another one is drawn.
   *
   * @param {string} url
   * @param {string} name who it is
   */
  rest(url, name) {
    this.#poster.src = url;
    this.#poster.alt = name;
    this.#show(this.#poster);
  }

  /** @param {CanvasImageSource} picture of a video it is shown already, and only the close-up is drawn */
  draw(picture) {
    this.drawn += 1;
    if (picture === this.#video) {
      this.#show(this.#video);
    } else {
      fit(this.#canvas, picture);
      this.#canvas.getContext("2d", { alpha: false })?.drawImage(picture, 0, 0);
      this.#show(this.#canvas);
    }
    if (this.close) this.drawMouth(picture);
  }

  /** @param {CanvasImageSource} picture */
  drawMouth(picture) {
    const { width, height } = sizeOf(picture);
    const mouth = this.mouth ?? { left: width * 0.3, top: height * 0.5, width: width * 0.4, height: height * 0.27 };
    const into = this.#closeup;
    const wide = mouth.width * LIPS.width;
    const high = (wide * into.height) / into.width;
    const left = mouth.left + (mouth.width - wide) / 2;
    const top = mouth.top + mouth.height * LIPS.middle - high / 2;
    into.getContext("2d")?.drawImage(picture, left, top, wide, high, 0, 0, into.width, into.height);
  }

  /** @returns {Promise<ImageBitmap>} the close-up as it is now */
  mouthNow() {
    return createImageBitmap(this.#closeup);
  }

  /** @param {ImageBitmap} mouth of `mouthNow` */
  showMouth(mouth) {
    this.#closeup.getContext("2d")?.drawImage(mouth, 0, 0);
  }

  /** @param {HTMLElement} shown */
  #show(shown) {
    for (const one of [this.#poster, this.#canvas, this.#video]) one.hidden = one !== shown;
  }
}

/**
 * @param {HTMLCanvasElement} canvas made as large as
 * @param {CanvasImageSource} picture
 */
function fit(canvas, picture) {
  const { width, height } = sizeOf(picture);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/**
 * @param {any} picture
 * @returns {{width: number, height: number}} pixels
 */
function sizeOf(picture) {
  return {
    width: picture.displayWidth ?? picture.videoWidth ?? picture.width,
    height: picture.displayHeight ?? picture.videoHeight ?? picture.height,
  };
}
