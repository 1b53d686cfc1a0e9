import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Conversation } from "../../../src/lipstream/serve/page/conversation.js";
import { Refusal, Trouble } from "../../../src/lipstream/serve/page/words.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const wish = (source, more = {}) => ({ avatar: "iris", source, sampleRateHz: 48_000, stream: null, gain: 1, choice: "auto", ...more });
let told;
let conversation;
afterEach(() => conversation.close()); // or its timer keeps the process

/** A server with a door: each opening waits there until the test answers it; what is open is counted. */
class Door {
  openings = [];
  open_ = 0;
  most = 0;

  async open(asked, listener, signal) {
    const opening = { asked, listener, signal };
    const answer = new Promise((resolve, reject) => Object.assign(opening, { admit: resolve, refuse: reject }));
    this.openings.push(opening);
    this.#count(1); // the server holds a place from now on, whatever becomes of us
    try {
      await answer;
      signal.throwIfAborted();
    } catch (error) {
      this.#count(-1);
      throw error;
    }
    return { name: "a way", close: async () => this.#count(-1) };
  }

  #count(change) {
    this.open_ += change;
    this.most = Math.max(this.most, this.open_);
  }
}

function meet(...doors) {
  told = [];
  const tell = (name) => (what) => told.push([name, what]);
  conversation = new Conversation({ auto: doors }, { state: tell("state"), picture: tell("picture"), failed: tell("failed"), closed: tell("closed") });
  conversation.onstate = tell("is");
  conversation.onsecond = tell("second");
  return conversation;
}

const states = () => told.filter(([name]) => name === "is").map(([, state]) => state);

test("the same wish again while it is being opened opens nothing more", async () => {
  const door = new Door();
  const first = meet(door).open(wish("recording"));
  const second = conversation.open(wish("recording"));
  assert.equal(await first, false);
  door.openings[0].admit();
  assert.equal(await second, true);
  assert.equal(await conversation.open(wish("recording")), true);
  assert.equal(door.openings.length, 1);
  assert.deepEqual(states(), ["connecting", "open"]);
});

test("another wish while one is being opened: that one is ended before the other begins", async () => {
  const door = new Door();
  const first = meet(door).open(wish("recording"));
  const second = conversation.open(wish("microphone"));
  assert.equal(await first, false);
  assert.equal(door.openings[0].signal.aborted, true);
  await settled();
  assert.equal(door.openings.length, 1);
  door.openings[0].admit(); // the answer comes, and nobody wants it any more
  await settled();
  door.openings[1].admit();
  assert.equal(await second, true);
  assert.deepEqual([door.open_, door.most, door.openings[1].asked.source], [1, 1, "microphone"]);
});

test("many wishes at once from an open one: only the last comes about, one is open at a time", async () => {
  const door = new Door();
  const open = meet(door).open(wish("microphone"));
  door.openings[0].admit();
  await open;
  const wishes = Array.from({ length: 6 }, (_, at) => conversation.open(wish("recording", { gain: at % 3 })));
  await settled();
  door.openings.at(-1).admit();
  assert.deepEqual(await Promise.all(wishes), [false, false, false, false, false, true]);
  assert.deepEqual([door.open_, door.most, door.openings.length], [1, 1, 2]);
  assert.deepEqual(states(), ["connecting", "open", "closing", "connecting", "open"]);
});

test("away and back to the first wish: it is opened anew, since the first was given up", async () => {
  const door = new Door();
  meet(door).open(wish("recording"));
  conversation.open(wish("microphone"));
  const last = conversation.open(wish("recording"));
  door.openings[0].admit();
  await settled();
  door.openings[1].admit();
  assert.equal(await last, true);
  assert.deepEqual([door.open_, door.most, door.openings[1].asked.source], [1, 1, "recording"]);
});

test("closed while it is being opened: nothing stays open", async () => {
  const door = new Door();
  const open = meet(door).open(wish("recording"));
  const closed = conversation.close();
  door.openings[0].admit();
  assert.deepEqual([await open, await closed, door.open_, conversation.state], [false, true, 0, "idle"]);
});

test("a way that comes although it was given up is closed", async () => {
  let closings = 0;
  const deaf = { open: async () => (await settled(), { close: async () => (closings += 1) }) };
  const open = meet(deaf).open(wish("recording"));
  await conversation.close();
  assert.deepEqual([await open, closings, conversation.way], [false, 1, null]);
});

test("where the first way does not come about the second is taken", async () => {
  const [first, second] = [new Door(), new Door()];
  const open = meet(first, second).open(wish("recording"));
  const reason = new Trouble("No address was reached.", "");
  first.openings[0].refuse(reason);
  await settled();
  second.openings[0].admit();
  assert.equal(await open, true);
  assert.deepEqual(told.filter(([name]) => name === "second"), [["second", reason]]);
});

test("a server that refuses is not asked by another way, and the next wish is free", async () => {
  const [first, second] = [new Door(), new Door()];
  const open = meet(first, second).open(wish("recording"));
  first.openings[0].refuse(new Refusal("8 are open; ask again later", ""));
  await assert.rejects(open, /ask again/);
  assert.deepEqual([second.openings.length, conversation.state], [0, "idle"]);
  const again = conversation.open(wish("recording"));
  first.openings[1].admit();
  assert.equal(await again, true);
});

test("what a way says that is not held any more is not heard", async () => {
  const door = new Door();
  const open = meet(door).open(wish("recording"));
  door.openings[0].admit();
  await open;
  door.openings[0].listener.state("speaking");
  const other = conversation.open(wish("microphone"));
  door.openings[0].listener.state("resting");
  await settled();
  door.openings[0].listener.closed(new Trouble("late", ""));
  door.openings[1].admit();
  assert.equal(await other, true);
  assert.deepEqual(told.filter(([name]) => name !== "is"), [["state", "speaking"]]);
});

test("closed by the other side: idle, and told why", async () => {
  const door = new Door();
  const open = meet(door).open(wish("recording"));
  door.openings[0].admit();
  await open;
  const trouble = new Trouble("The server is shutting down.", "");
  door.openings[0].listener.closed(trouble);
  assert.deepEqual([conversation.state, conversation.way, told.at(-1)], ["idle", null, ["closed", trouble]]);
});
