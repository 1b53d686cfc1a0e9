import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, LevelMeter, SILENCE_DB, decibels, lit } from "../../../src/lipstream/serve/page/level.js";

const RATE_HZ = 24_000;
const sine = (amplitude, samples) => Float32Array.from({ length: samples }, (_, at) => amplitude * Math.sin((2 * Math.PI * at) / 96));

test("a full sine is at -3 dBFS, whatever the blocks", () => {
  const sound = sine(1, 4800);
  for (const size of [1, 128, 500, 960, 5000]) {
    const meter = new LevelMeter(RATE_HZ);
    let level = 0;
    for (let left = 4800; left > 0; left -= size) level = meter.push(sound.subarray(4800 - left, 4800 - left + size));
    assert.ok(Math.abs(level + 3.01) < 0.1, `${size}: ${level}`);
  }
});

test("40 ms after sound ended it is silent again", () => {
  const meter = new LevelMeter(RATE_HZ);
  for (let round = 0; round < 50; round += 1) meter.push(sine(0.5, 960));
  assert.ok(meter.push(new Float32Array(480)) > -15);
  assert.equal(meter.push(new Float32Array(480)), SILENCE_DB);
});

test("nothing is lit by silence, all by a shout", () => {
  assert.deepEqual([lit(SILENCE_DB), lit(-70), lit(-6), lit(0)], [0, 0, 1, 1]);
  assert.equal(decibels(0), SILENCE_DB);
});

test("a gate begins shut, opens at its level and stays open for a while", () => {
  const gate = new Gate(RATE_HZ, { openDb: -55, holdMs: 400 });
  assert.equal(gate.push(-80, 960), false);
  assert.equal(gate.push(-40, 960), true);
  for (let quietMs = 40; quietMs < 400; quietMs += 40) assert.equal(gate.push(-80, 960), true);
  assert.equal(gate.push(-80, 960), false);
  assert.equal(gate.push(-55, 960), true);
});
