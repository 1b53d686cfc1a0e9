import assert from "node:assert/strict";
import { test } from "node:test";
import { CHUNK_SAMPLES, pictureRequest, readAnswer, windowOf } from "../../../src/lipstream/serve/page/dialect.js";
import { readFrame, samplesOf, soundMessage } from "../../../src/lipstream/serve/page/protocol.js";
import { lacking, ofClose, ofMicrophone, ofResponse, Refusal, troubleOf, Trouble } from "../../../src/lipstream/serve/page/words.js";

const HEADER = "02 02 00 05  07 00 00 00  80 11 00 00 00 00 00 00  80 02 d0 02 d0 02 00 00"; // docs/protocol.md
const bytes = (hex) => Uint8Array.from(hex.split(/\s+/), (two) => parseInt(two, 16));

test("the frame of the documentation", () => {
  const message = new Uint8Array(24 + 1280 + 4);
  message.set(bytes(HEADER));
  message.set(bytes("ff d8 ff d9"), 24 + 1280);
  const frame = readFrame(message.buffer);
  const { sound, picture, ...header } = frame;
  assert.deepEqual(header, {
    index: 7, position: 4480, samples: 640, filler: false, key: true, repeated: false, width: 720, height: 720,
  });
  assert.deepEqual([...picture], [0xff, 0xd8, 0xff, 0xd9]);
  assert.equal(samplesOf(sound).length, 640);
});

test("every truncation of a frame is refused, other types are left aside", () => {
  const whole = new Uint8Array(24 + 1280);
  whole.set(bytes(HEADER));
  for (let length = 0; length < whole.length; length += 7) assert.throws(() => readFrame(whole.slice(0, length).buffer), RangeError);
  assert.equal(readFrame(Uint8Array.of(9, 0, 0, 0).buffer), null);
});

test("sound leaves as the documentation says", () => {
  assert.deepEqual([...new Uint8Array(soundMessage(Int16Array.of(1, -2)))], [1, 0, 0, 0, 1, 0, 0xfe, 0xff]);
});

test("a request of the reference dialect has 16 chunks, 40,960 letters", () => {
  const request = JSON.parse(pictureRequest("iris", 9, new Int16Array(16 * CHUNK_SAMPLES)));
  assert.equal(request.audio_data.length, 40_960);
  assert.deepEqual([request.action, request.frame_id, request.use_real_audio], ["generate_frame", 9, true]);
});

test("an answer of it gives a picture or says why not", () => {
  const good = readAnswer(JSON.stringify({ success: true, frame_id: 3, frame_data: "/9j/2Q==", processing_time: 9, inference_count: 4 }));
  assert.deepEqual([...good.jpeg], [0xff, 0xd8, 0xff, 0xd9]);
  assert.deepEqual([good.frameId, good.processingMs, good.inferences], [3, 9, 4]);
  assert.equal(readAnswer('{"success": false, "error": "no"}').error, "no");
  assert.equal(readAnswer('{"type": "stats"}'), null);
});

test("the sound of the test mode repeats: chunks f - 8 to f + 7", () => {
  const sound = Int16Array.from({ length: 20 * CHUNK_SAMPLES }, (_, at) => Math.floor(at / CHUNK_SAMPLES));
  const first = (frame) => windowOf(sound, frame)[0];
  assert.deepEqual([first(0), first(8), first(27), first(28)], [12, 0, 19, 0]);
  assert.equal(windowOf(sound, 8).at(-1), 15);
});

test("whatever goes wrong is said in words", () => {
  assert.match(ofClose(4503).message, /full/);
  assert.match(ofClose(4999).message, /4999/);
  assert.match(ofMicrophone(new DOMException("", "NotAllowedError")).todo, /address bar/);
  assert.match(troubleOf(new TypeError("Failed to fetch")).message, /connection/);
  assert.match(troubleOf(new Error("x")).todo, /Reload/);
  const trouble = new Trouble("a", "b");
  assert.equal(troubleOf(trouble), trouble);
});

test("a server refuses what it would refuse by another way; where a way does not suit, or it says nothing, it does not", async () => {
  const said = (status, body) => ofResponse(new Response(body, { status }));
  const full = await said(503, '{"error": "4 live sessions are open; ask again later", "request_id": "id7"}');
  assert.ok(full instanceof Refusal);
  assert.deepEqual([full.message, full.todo, full.request], ["4 live sessions are open; ask again later", "", "id7"]);
  for (const status of [401, 403, 404, 429]) assert.ok((await said(status, '{"error": "no"}')) instanceof Refusal);
  for (const status of [400, 413, 415, 500, 501]) assert.ok(!((await said(status, '{"error": "no"}')) instanceof Refusal));
  assert.equal((await said(400, '{"error": "The offer cannot be used"}')).message, "The offer cannot be used");
  assert.ok(!((await said(502, "<html>")) instanceof Refusal));
});

test("what a browser lacks is said with what helps", () => {
  assert.match(lacking({ isSecureContext: false }).todo, /--tls self-signed/);
  assert.match(lacking({ isSecureContext: true }).message, /AudioWorkletNode/);
  const all = { isSecureContext: true, AudioContext: 1, AudioWorkletNode: 1, WebSocket: 1, createImageBitmap: 1 };
  assert.equal(lacking(all), null);
});
