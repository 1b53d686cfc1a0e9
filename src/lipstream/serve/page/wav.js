/**
 * 16-bit samples in, a WAV file out.
 */

/**
 * @param {Int16Array[]} parts
 * @param {number} sampleRateHz
 * @returns {ArrayBuffer}
 */
export function wav(parts, sampleRateHz) {
  const dataBytes = 2 * parts.reduce((sum, part) => sum + part.length, 0);
  const file = new ArrayBuffer(44 + dataBytes);
  const view = new DataView(file);
  const text = (/** @type {number} */ at, /** @type {string} */ word) => {
    for (let letter = 0; letter < 4; letter += 1) view.setUint8(at + letter, word.charCodeAt(letter));
  };
  text(0, "RIFF");
  view.setUint32(4, 36 + dataBytes, true);
  text(8, "WAVE");
  text(12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, 2 * sampleRateHz, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, dataBytes, true);
  const samples = new Int16Array(file, 44);
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return file;
}
