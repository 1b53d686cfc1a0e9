/**
 * The page put together: what a visitor does in, a face that speaks out.
 */
import { Access, KeyNeeded } from "./access.js";
import { Conversation } from "./conversation.js";
import { Ears } from "./ears.js";
import { shown } from "./figures.js";
import { Gallery } from "./gallery.js";
import { lit } from "./level.js";
import { Said } from "./said.js";
import { dropping, element, on, setting, shortcuts, write } from "./controls.js";
import { SocketWay } from "./socket_way.js";
import { Stage } from "./stage.js";
import { TestMode } from "./test_mode.js";
import { WebRtcWay } from "./webrtc_way.js";
import { lacking, ofMicrophone, Trouble, troubleOf } from "./words.js";

/** @typedef {(signal: AbortSignal) => Promise<unknown>} Act of the visitor; it throws when the signal comes */

/** @type {Record<string, import("./conversation.js").Kind[]>} */
const WAYS = { auto: [WebRtcWay, SocketWay], webrtc: [WebRtcWay], websocket: [SocketWay], test: [TestMode] };
const FIGURES_MS = 250;
const SPOKEN = { off: "Not connected", connecting: "Connecting…", resting: "At rest", speaking: "Speaking" };

const access = new Access();
const gallery = new Gallery(element("gallery"), access);
const stage = new Stage(element("poster"), element("canvas"), element("video"), element("closeup"));
const said = new Said();
const conversation = new Conversation(WAYS, { state: arrivedState, picture: arrivedPicture, failed: complain, closed: lost });
/** @type {Ears | null} */
let ears = null;
/** @type {Promise<unknown>} */
let openingEars = Promise.resolve();
/** What is heard now. @type {"microphone" | "recording" | null} */
let source = null;
let turn = new AbortController();
/** What the visitor did last, until it has come about. @type {Act | null} */
let underWay = null;

/** @param {Trouble} trouble */
function complain(trouble) {
  const wantsKey = trouble instanceof KeyNeeded;
  element("trouble").hidden = wantsKey;
  if (wantsKey) return askForKey(trouble);
  write(element("trouble-what"), trouble.message);
  write(element("trouble-todo"), trouble.todo);
  element("trouble-request").textContent = trouble.request ? `Request ${trouble.request}` : "";
}

/** @param {Trouble} trouble */
function askForKey(trouble) {
  element("key-form").hidden = false;
  write(element("key-why"), access.key ? trouble.message : trouble.todo);
}

/**
 * @param {keyof typeof SPOKEN} state
 * @param {string} [words] instead of the state's own
 */
function show(state, words = SPOKEN[state]) {
  element("state").dataset.state = state;
  element("state-text").textContent = words;
  element("live").textContent = words;
  element("interrupt").disabled = element("disconnect").disabled = state === "off";
}

/** What is told while nothing is open. @param {"off" | "connecting"} state */
function showIdle(state) {
  if (conversation.state === "idle") show(state);
}

/** @param {"speaking" | "resting" | "interrupted"} state */
function arrivedState(state) {
  if (state !== "speaking") said.complete();
  show(state === "speaking" ? "speaking" : "resting", state === "interrupted" ? "Interrupted" : undefined);
}

/**
 * @param {CanvasImageSource} picture
 * @param {Int16Array[]} sounds
 */
function arrivedPicture(picture, sounds) {
  stage.draw(picture);
  const speaking = element("state").dataset.state === "speaking";
  if (stage.close && speaking && sounds.length > 0) said.keep(sounds, () => stage.mouthNow());
}

/** @param {Trouble} trouble */
function lost(trouble) {
  hush();
  complain(trouble);
}

/** Do something, and say what went wrong with it. @param {() => Promise<unknown>} act */
async function attempt(act) {
  element("trouble").hidden = true;
  await act().catch((error) => complain(troubleOf(error)));
}

/** Do this instead of whatever is under way. @param {Act} act */
async function instead(act) {
  turn.abort();
  const { signal } = (turn = new AbortController());
  underWay = act;
  await attempt(() =>
    act(signal).catch((error) => {
      if (signal.aborted) return;
      hush();
      showIdle("off");
      throw error;
    }),
  );
  if (!signal.aborted) underWay = null;
}

/** @returns {Promise<Ears>} of the rate that is set; new ones when it was changed */
function opened() {
  const now = openingEars.catch(() => {}).then(async () => { // one after the other
    const rate = Number(setting("rate"));
    if (ears?.wishedHz === rate) return ears;
    await ears?.close();
    ears = null;
    ears = await Ears.open(rate);
    ears.onchunk = heard;
    return ears;
  });
  openingEars = now;
  return now;
}

/**
 * @param {Float32Array} chunk
 * @param {number} level dBFS
 */
function heard(chunk, level) {
  element("meter-bar").style.clipPath = `inset(0 ${100 - 100 * (source === null ? 0 : lit(level))}% 0 0)`;
  element("meter").setAttribute("aria-valuenow", String(Math.round(Math.max(-70, Math.min(0, level)))));
  if (source === null) return;
  conversation.busy();
  conversation.way?.chunk(chunk);
}

/**
 * Open the way for what is to be heard.
 *
 * @param {Pick<import("./way.js").Wish, "source" | "sampleRateHz" | "stream" | "recording">} wanted
 * @param {AbortSignal} signal
 */
async function connect(wanted, signal) {
  signal.throwIfAborted();
  const avatar = gallery.chosen;
  if (!avatar) throw new Trouble("There is nobody to speak.", "Enter the server's key, or install an avatar.");
  await conversation.open({
    ...wanted,
    avatar,
    gain: Number(setting("gain")),
    audible: isAudible(wanted.source),
    choice: wanted.source === "test" ? "test" : setting("way"),
    access,
    video: element("video"),
  });
  signal.throwIfAborted();
}

/** @param {import("./conversation.js").State} state */
function arrivedAt(state) {
  const testing = state === "open" && conversation.wanted?.source === "test";
  element("test-mode").setAttribute("aria-pressed", String(testing));
  if (state === "closing" || state === "idle") stage.rest(gallery.poster, gallery.chosen);
  if (state === "connecting") element("secure").textContent = ""; // what is said there is of the last time
  if (state === "connecting") show("connecting");
  else if (testing) show("speaking", "Test mode");
  else if (state === "open") show("resting", `${gallery.chosen} listens`);
  else if (state === "idle") show("off");
}

/** @param {import("./way.js").Wish["source"] | null} what */
function isAudible(what) {
  return what !== "microphone" || element("headphones").checked;
}

/** @param {AbortSignal} signal */
async function listen(signal) {
  const was = source;
  hush();
  if (was === "microphone") {
    conversation.way?.end();
    return;
  }
  showIdle("connecting"); // sound may take seconds to begin, or a visitor to allow the microphone
  const place = await opened();
  await place.listen(hearing(), signal).catch((error) => {
    throw ofMicrophone(error);
  });
  await listDevices();
  await connect({ source: "microphone", sampleRateHz: place.sampleRateHz, stream: place.stream }, signal);
  begin("microphone");
}

/**
 * @param {Promise<ArrayBuffer>} file
 * @param {AbortSignal} signal
 */
async function play(file, signal) {
  hush();
  showIdle("connecting");
  const [sound, place] = [await file, await opened()];
  await connect({ source: "recording", sampleRateHz: place.sampleRateHz, stream: place.stream }, signal);
  begin("recording");
  await place.hear(sound.slice(0), signal, finished).catch(() => {
    throw new Trouble("This file has no sound that the browser can read.", "Try WAV, MP3, M4A, OGG or FLAC.");
  });
}

/** @param {"microphone" | "recording"} what */
function begin(what) {
  source = what;
  if (conversation.way) conversation.way.audible = isAudible(what);
  element("microphone").setAttribute("aria-pressed", String(what === "microphone"));
  element("microphone-text").textContent = what === "microphone" ? "Stop listening" : "Microphone";
}

/** A recording was heard to its end. */
function finished() {
  conversation.way?.end();
  hush();
}

function hush() {
  ears?.hush();
  source = null;
  element("microphone").setAttribute("aria-pressed", "false");
  element("microphone-text").textContent = "Microphone";
}

function hearing() {
  return {
    device: setting("device"),
    echoCancellation: element("echo").checked,
    noiseSuppression: element("noise").checked,
    gate: element("gate").checked,
  };
}

function interrupt() {
  if (conversation.state !== "open") return void instead(disconnect);
  conversation.way?.interrupt();
  if (source === "recording") hush();
  said.complete();
  show("resting", "Interrupted");
}

async function disconnect() {
  hush();
  await conversation.close();
  showIdle("off");
}

/** @param {AbortSignal} signal */
async function testMode(signal) {
  hush();
  if (conversation.state === "open" && conversation.wanted?.source === "test") await conversation.close();
  else await repeat(signal);
}

/** @param {AbortSignal} signal */
async function repeat(signal) {
  await connect({ source: "test", sampleRateHz: 0, stream: null, recording: await voice() }, signal);
  element("show-figures").checked = true;
  await figures();
}

/** @param {File} file to be spoken */
function take(file) {
  return instead((signal) => play(file.arrayBuffer(), signal));
}

/** @returns {Promise<ArrayBuffer>} a short spoken clip */
async function voice() {
  return (await access.ask("page/voice.mp3")).arrayBuffer();
}

/** Another avatar, or another way of speaking, goes on with the same sound. @param {AbortSignal} signal */
async function changed(signal) {
  const wanted = conversation.wanted;
  if (wanted === null) return;
  if (wanted.source === "test") return repeat(signal);
  const place = await opened();
  await connect({ source: wanted.source, sampleRateHz: place.sampleRateHz, stream: place.stream }, signal);
  if (place.hears) return;
  if (source === "microphone") await place.listen(hearing(), signal); // at another rate
  else hush();
}

/** The options are others: what is under way begins again with them, what is open changes. */
function renew() {
  return instead(underWay ?? changed);
}

/** @param {AbortSignal} signal */
async function heardOtherwise(signal) {
  if (source === "microphone") await (await opened()).listen(hearing(), signal);
}

async function listDevices() {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "audioinput");
  const chosen = setting("device");
  const options = devices.map(({ deviceId, label }) => new Option(label || "Microphone", deviceId));
  element("device").replaceChildren(new Option("Automatic", ""), ...options);
  element("device").value = chosen;
}

async function figures() {
  element("figures").hidden = !element("show-figures").checked;
  const way = conversation.way;
  for (const [name, text] of Object.entries(await shown(way, stage.drawn, performance.now()))) {
    element(`figure-${name}`).textContent = text;
  }
}

async function again() {
  if (!said.any) return;
  element("again").disabled = true;
  const close = stage.close;
  stage.close = false; // the live picture waits
  await said.again(Number(setting("speed")), (mouth) => stage.showMouth(mouth)).finally(() => {
    stage.close = close;
    element("again").disabled = false;
  });
}

async function loadAvatars() {
  await gallery.load(new URLSearchParams(location.search).get("avatar") ?? "");
  element("key-form").hidden = true;
}

const missing = lacking(globalThis);
gallery.onchoice = (/** @type {string} */ name) => {
  if (conversation.state === "idle") stage.rest(gallery.poster, name);
  attempt(async () => {
    stage.mouth = (await (await access.ask(`v1/avatars/${encodeURIComponent(name)}`)).json()).mouth ?? null;
  });
  renew();
};
said.onkept = () => (element("again").disabled = false);
conversation.onstate = arrivedAt;
conversation.onidle = () => {
  hush();
  show("off", "Paused: nobody spoke for a minute");
};
conversation.onsecond = (/** @type {any} */ reason) => (element("secure").textContent = `WebSocket instead of WebRTC: ${reason.message}`);

on("microphone", "click", () => instead(listen));
on("voice", "click", () => instead((signal) => play(voice(), signal)));
on("open", "click", async () => element("file").click());
on("file", "change", ({ target }) => target.files[0] && take(target.files[0]));
on("interrupt", "click", async () => interrupt());
on("disconnect", "click", () => instead(disconnect));
on("test-mode", "click", () => instead(testMode));
on("again", "click", () => attempt(again));
on("show-figures", "change", figures);
on("closer", "toggle", async () => (stage.close = element("closer").open));
on("trouble-close", "click", async () => (element("trouble").hidden = true));
on("headphones", "change", async () => conversation.way && (conversation.way.audible = isAudible(source)));
for (const name of ["gain", "way", "rate"]) on(name, "change", renew);
for (const name of ["device", "echo", "noise", "gate"]) {
  on(name, "change", () => instead(underWay ?? heardOtherwise));
}
on("key-form", "submit", async (event) => {
  event.preventDefault();
  access.key = element("key").value.trim();
  await attempt(loadAvatars);
});
shortcuts({
  m: () => element("microphone").click(),
  t: () => element("voice").click(),
  o: () => element("open").click(),
  r: () => element("again").click(),
  l: () => (element("closer").open = !element("closer").open),
  f: () => element("show-figures").click(),
  Escape: () => element("interrupt").click(),
});
dropping(element("stage"), take);
addEventListener("pagehide", () => instead(disconnect));
setInterval(figures, FIGURES_MS);
attempt(loadAvatars).then(() => missing && complain(missing));
