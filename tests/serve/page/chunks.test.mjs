import assert from "node:assert/strict";
import { test } from "node:test";
import { Chunker, toFloat, toInt16 } from "../../../src/lipstream/serve/page/chunks.js";
import { wav } from "../../../src/lipstream/serve/page/wav.js";

test("chunks of one length, nothing lost, whatever comes in", () => {
  const sound = Float32Array.from({ length: 5000 }, (_, at) => at);
  for (const block of [1, 128, 960, 961, 2000, 5000]) {
    const chunks = [];
    const chunker = new Chunker(960, (chunk) => chunks.push(structuredClone(chunk, { transfer: [chunk.buffer] })));
    for (let at = 0; at < sound.length; at += block) chunker.push(sound.subarray(at, at + block));
    assert.deepEqual(chunks.map((chunk) => chunk.length), Array(5).fill(960));
    assert.deepEqual(chunks.flatMap((chunk) => [...chunk]), [...sound.subarray(0, 4800)]);
  }
});

test("samples survive 16 bits and are clamped", () => {
  assert.deepEqual([...toInt16(Float32Array.of(0, 1, -1, 2, -2, 0.5))], [0, 32767, -32767, 32767, -32768, 16384]);
  const samples = Int16Array.of(-32767, -1, 0, 1, 12345, 32767);
  assert.deepEqual([...toInt16(toFloat(samples))], [...samples]);
});

test("a WAV says how long it is", () => {
  const view = new DataView(wav([Int16Array.of(1, 2), Int16Array.of(3)], 16_000));
  assert.equal(view.byteLength, 50);
  assert.deepEqual([view.getUint32(4, true), view.getUint32(24, true), view.getUint32(40, true)], [42, 16_000, 6]);
  assert.equal(view.getInt16(48, true), 3);
});
