/**
 * Messages of the native stream, `lipstream.v1`: what they say in, their bytes out, and back. docs/protocol.md has every byte.
 */

export const SUBPROTOCOL = "lipstream.v1";
const SOUND = 0x01;
const FRAME = 0x02;
const HEADER_BYTES = 24;

/**
 * @typedef {object} Frame
 * @property {number} index frame i is due i * 40 ms after frame 0
 * @property {number} position samples of our sound, at 16 kHz, that left in frames before
 * @property {number} samples how many of ours are in this one
 * @property {boolean} filler nobody speaks, or sound came too late
 * @property {boolean} key whether the picture needs none before it
 * @property {boolean} repeated whether there is no picture: show the last one
 * @property {number} width of the picture in pixels
 * @property {number} height
 * @property {Uint8Array} sound s16le
 * @property {Uint8Array} picture a JPEG or an access unit of H.264
 */

/**
 * @param {Int16Array} samples
 * @returns {ArrayBuffer} a message of sound
 */
export function soundMessage(samples) {
  const message = new ArrayBuffer(4 + samples.byteLength);
  new DataView(message).setUint8(0, SOUND);
  new Int16Array(message, 4).set(samples);
  return message;
}

/**
 * @param {ArrayBuffer} message binary
 * @returns {Frame | null} null for a type that is not known: more may come
 * @throws {RangeError} it is too short for what it says it is
 */
export function readFrame(message) {
  const view = new DataView(message);
  if (view.getUint8(0) !== FRAME) return null;
  const soundBytes = view.getUint16(2, true);
  if (message.byteLength < HEADER_BYTES + soundBytes) {
    throw new RangeError(`a frame of ${message.byteLength} bytes says that it has ${soundBytes} of sound`);
  }
  const flags = view.getUint8(1);
  return {
    index: view.getUint32(4, true),
    position: Number(view.getBigUint64(8, true)),
    samples: view.getUint16(16, true),
    filler: (flags & 1) !== 0,
    key: (flags & 2) !== 0,
    repeated: (flags & 4) !== 0,
    width: view.getUint16(18, true),
    height: view.getUint16(20, true),
    sound: new Uint8Array(message, HEADER_BYTES, soundBytes),
    picture: new Uint8Array(message, HEADER_BYTES + soundBytes),
  };
}

/**
 * @param {Uint8Array} bytes s16le, aligned to two bytes as frames have it
 * @returns {Int16Array}
 */
export function samplesOf(bytes) {
  return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
}
