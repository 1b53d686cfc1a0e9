import assert from "node:assert/strict";
import { test } from "node:test";
import { heardTime } from "../../../src/lipstream/serve/page/clock.js";
import { Timeline } from "../../../src/lipstream/serve/page/timeline.js";

const [FRAME, MS] = [640, 16];

test("frames follow one another without a gap, the first with a lead", () => {
  const timeline = new Timeline(16_000, FRAME);
  for (let index = 0; index < 50; index += 1) {
    assert.equal(timeline.place(index, false, 1000 + index * FRAME), 1000 + 80 * MS + index * FRAME);
  }
  assert.equal(timeline.waitingMs(1000 + 49 * FRAME), 120);
});

test("the picture that is due is that of the sound that is heard", () => {
  const timeline = new Timeline(16_000, FRAME);
  const first = timeline.place(7, false, 0);
  timeline.place(8, false, 0);
  assert.equal(timeline.due(first - 1), null);
  assert.deepEqual(timeline.due(first), { index: 7, start: first });
  assert.equal(timeline.due(first + FRAME - 1).index, 7);
  assert.equal(timeline.due(first + FRAME).index, 8);
  assert.equal(timeline.startOf(8), first + FRAME);
});

test("a late frame is a stall, and the lead grows by what it was late", () => {
  const timeline = new Timeline(16_000, FRAME);
  const first = timeline.place(0, false, 0);
  const late = first + FRAME + 50 * MS;
  const start = timeline.place(1, false, late);
  assert.equal(timeline.stalls, 1);
  assert.ok(Math.abs(start - late - 130 * MS) <= MS, `${(start - late) / MS} ms`);
});

test("jitter below the lead makes no stall", () => {
  const timeline = new Timeline(16_000, FRAME);
  let seed = 1;
  for (let index = 0; index < 2000; index += 1) {
    seed = (seed * 48_271) % 2_147_483_647;
    timeline.place(index, index % 3 === 0, index * FRAME + (seed % (70 * MS)));
  }
  assert.equal(timeline.stalls, 0);
});

test("what waits too long after a stall is shortened where nobody speaks, and only there", () => {
  const timeline = new Timeline(16_000, FRAME);
  timeline.place(0, false, 0);
  for (let index = 1; index <= 10; index += 1) assert.notEqual(timeline.place(index, false, 0), null);
  assert.equal(timeline.place(11, true, 0), null);
  assert.equal(timeline.leftOut, 1);
  assert.notEqual(timeline.place(12, false, 0), null);
});

test("after an interruption the next frame is the first", () => {
  const timeline = new Timeline(16_000, FRAME);
  for (let index = 0; index < 10; index += 1) timeline.place(index, false, 0);
  timeline.drop();
  assert.equal(timeline.due(1e9), null);
  assert.equal(timeline.place(10, false, 5000), 5000 + 80 * MS);
});

test("an hour of two clocks that differ neither stalls for long nor lets the queue grow", () => {
  for (const ppm of [-200, 200]) {
    const timeline = new Timeline(16_000, FRAME);
    let most = 0;
    for (let index = 0; index < 90_000; index += 1) {
      const now = Math.round(index * FRAME * (1 + ppm / 1e6));
      timeline.place(index, index % 100 > 80, now);
      most = Math.max(most, timeline.waitingMs(now));
    }
    assert.ok(timeline.stalls <= 12, `${ppm} ppm: ${timeline.stalls} stalls`);
    assert.ok(most < 400, `${ppm} ppm: ${most} ms`);
  }
});

test("the device's own time is believed, its estimate else", () => {
  const close = (got, wanted) => assert.ok(Math.abs(got - wanted) < 1e-9, `${got}`);
  close(heardTime({ contextTime: 2, performanceTime: 5000 }, 2.2, 0.1, 5030), 2.03);
  close(heardTime({ contextTime: 2, performanceTime: 5000 }, 2.01, 0.1, 5030), 2.01);
  close(heardTime({ contextTime: 0, performanceTime: 0 }, 2.2, 0.1, 5030), 2.1);
  close(heardTime(null, 0.05, 0.1, 5030), 0);
});
