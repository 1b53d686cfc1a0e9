/**
 * Messages of the reference system's JSON dialect at /ws, for the test mode: a request in, its text out; an answer's text in,
 * the picture out.
 */

export const WINDOW_CHUNKS = 16;
export const CHUNK_SAMPLES = 960; // 40 ms at 24 kHz
export const SAMPLE_RATE_HZ = 24_000;
export const FRAME_IDS = 10;

/**
 * @typedef {object} Answer
 * @property {boolean} success
 * @property {number} frameId
 * @property {Uint8Array} jpeg
 * @property {number} processingMs what the server took
 * @property {number} inferences how many it has made
 * @property {string} error
 */

/**
 * @param {string} avatar
 * @param {number} frameId
 * @param {Int16Array} samples 16 chunks of 960
 * @returns {string} a request for one picture
 */
export function pictureRequest(avatar, frameId, samples) {
  const sound = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  return JSON.stringify({
    action: "generate_frame",
    model_name: avatar,
    frame_id: frameId,
    audio_data: base64(sound),
    use_real_audio: true,
  });
}

/**
 * @param {string} text
 * @returns {Answer | null} null for what answers no request, such as statistics
 */
export function readAnswer(text) {
  const answer = JSON.parse(text);
  if (typeof answer.success !== "boolean") return null;
  return {
    success: answer.success,
    frameId: answer.frame_id ?? 0,
    jpeg: bytes(answer.frame_data ?? ""),
    processingMs: answer.processing_time ?? 0,
    inferences: answer.inference_count ?? 0,
    error: answer.error ?? "",
  };
}

/**
 * The 16 chunks around a frame of a sound that repeats.
 *
 * @param {Int16Array} sound at 24 kHz
 * @param {number} frame 0 and up
 * @returns {Int16Array} chunks frame - 8 to frame + 7
 */
export function windowOf(sound, frame) {
  const begin = (frame - 8) * CHUNK_SAMPLES;
  return Int16Array.from({ length: WINDOW_CHUNKS * CHUNK_SAMPLES }, (_, at) => {
    return sound[(((begin + at) % sound.length) + sound.length) % sound.length];
  });
}

/** @param {Uint8Array} data */
function base64(data) {
  let text = "";
  for (let at = 0; at < data.length; at += 0x8000) text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return btoa(text);
}

/** @param {string} text */
function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
