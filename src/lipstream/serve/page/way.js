/**
 * What every way to the server has in common, in types: sound in, a face that speaks out.
 */

/**
 * @typedef {object} Wish what is wished for
 * @property {string} avatar who speaks
 * @property {"auto" | "webrtc" | "websocket" | "test"} choice how
 * @property {"microphone" | "recording" | "test"} source
 * @property {number} sampleRateHz of the chunks
 * @property {MediaStream | null} stream the same sound, for those who take it so
 * @property {number} gain of mouth movements
 * @property {boolean} audible whether the answer is heard
 * @property {import("./access.js").Access} access
 * @property {HTMLVideoElement} video where WebRTC shows its pictures
 * @property {ArrayBuffer} [recording] a file that the test mode repeats
 */

/**
 * @typedef {object} Listener whom a way tells
 * @property {(state: "speaking" | "resting" | "interrupted") => void} state
 * @property {(picture: CanvasImageSource, sounds: Int16Array[]) => void} picture shown now, valid until the call returns;
 *   with the 16-kHz sound since the last one
 * @property {(trouble: import("./words.js").Trouble) => void} failed
 * @property {(trouble: import("./words.js").Trouble) => void} closed by the other side
 */

/**
 * @typedef {object} Figures
 * @property {number} roundTripMs NaN where unknown, as the others
 * @property {number} queueMs sound that waits, here and there
 * @property {number} offsetMs sound against picture; positive: sound late
 * @property {number} painted pictures that the server has made for us
 * @property {string} detail
 */

/**
 * @typedef {object} Way
 * @property {string} name
 * @property {(samples: Float32Array) => void} chunk 40 ms of sound
 * @property {() => void} end what was said is complete
 * @property {() => void} interrupt be silent at once
 * @property {boolean} audible
 * @property {() => Promise<Figures>} figures
 * @property {() => Promise<void>} close
 */

export {};
