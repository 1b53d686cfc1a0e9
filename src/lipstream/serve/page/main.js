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
import { dropping, element, on, setting, shortcuts } from "./controls.js";
import { Stage } from "./stage.js";
import { lacking, ofMicrophone, Trouble, troubleOf } from "./words.js";

const FIGURES_MS = 250;
const SPOKEN = { off: "Not connected", connecting: "Connecting…", resting: "At rest", speaking: "Speaking" };

const access = new Access();
const gallery = new Gallery(element("gallery"), access);
const stage = new Stage(element("poster"), element("canvas"), element("video"), element("closeup"));
const said = new Said();
const conversation = new Conversation({ state: arrivedState, picture: arrivedPicture, failed: complain, closed: lost });
/** @type {Ears | null} */
let ears = null;
/** What is heard now. @type {"microphone" | "recording" | null} */
let source = null;
/** @type {ArrayBuffer | null} */
let recording = null;

/** @param {Trouble} trouble */
function complain(trouble) {
  element("trouble-what").textContent = trouble.message;
  element("trouble-todo").textContent = trouble.todo;
  element("trouble-request").textContent = trouble.request ? `Request ${trouble.request}` : "";
  element("trouble").hidden = false;
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
  element("test-mode").setAttribute("aria-pressed", "false");
  show("off");
  complain(trouble);
}

/** Do something, and say what went wrong with it. @param {() => Promise<unknown>} act */
async function attempt(act) {
  element("trouble").hidden = true;
  try {
    await act();
  } catch (error) {
    if (error instanceof KeyNeeded) element("key-form").hidden = false;
    if (conversation.way === null) show("off");
    hush();
    complain(troubleOf(error));
  }
}

/** @returns {Promise<Ears>} of the rate that is set; new ones when it was changed */
async function opened() {
  const rate = Number(setting("rate"));
  if (ears === null || ears.wishedHz !== rate) {
    await ears?.close();
    ears = await Ears.open(rate);
    ears.onchunk = heard;
  }
  return ears;
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

/** Open the way for what is to be heard. @param {"microphone" | "recording"} wanted */
async function connect(wanted) {
  const { sampleRateHz, stream } = await opened();
  if (conversation.way === null) show("connecting");
  const avatar = gallery.chosen;
  if (!avatar) throw new Trouble("There is nobody to speak.", "Enter the server's key, or install an avatar.");
  const open = await conversation.open({
    avatar,
    source: wanted,
    sampleRateHz,
    stream,
    gain: Number(setting("gain")),
    audible: isAudible(wanted),
    choice: setting("way"),
    access,
    video: element("video"),
  });
  if (open && element("state").dataset.state === "connecting") show("resting", `${avatar} listens`);
  return open;
}

/** @param {"microphone" | "recording" | null} what */
function isAudible(what) {
  return what !== "microphone" || element("headphones").checked;
}

async function listen() {
  if (source === "microphone") {
    conversation.way?.end();
    hush();
    return;
  }
  hush();
  await (await opened()).listen(hearing()).catch((error) => {
    throw ofMicrophone(error);
  });
  if (!(await connect("microphone"))) return;
  begin("microphone");
  await listDevices();
}

/** @param {ArrayBuffer} file */
async function play(file) {
  hush();
  recording = file;
  if (!(await connect("recording"))) return;
  const place = await opened();
  begin("recording");
  await place
    .hear(file.slice(0), () => {
      conversation.way?.end();
      hush();
    })
    .catch(() => {
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
  conversation.way?.interrupt();
  if (source === "recording") hush();
  said.complete();
  show("resting", "Interrupted");
}

async function disconnect() {
  hush();
  await conversation.close();
  element("test-mode").setAttribute("aria-pressed", "false");
  show("off");
}

async function testMode() {
  const running = element("test-mode").getAttribute("aria-pressed") === "true";
  await disconnect();
  if (running) return;
  show("connecting");
  await conversation.test(gallery.chosen, await voice(), access);
  element("test-mode").setAttribute("aria-pressed", "true");
  element("show-figures").checked = true;
  await figures();
  show("speaking", "Test mode");
}

/** @returns {Promise<ArrayBuffer>} a short spoken clip */
async function voice() {
  return (await access.ask("page/voice.mp3")).arrayBuffer();
}

/** Another avatar, or another way of speaking, goes on with the same sound. */
async function changed() {
  const was = source;
  if (conversation.way === null) return;
  if (conversation.way.name === "WebSocket /ws") return conversation.test(gallery.chosen, await voice(), access);
  show("connecting", `Changing to ${gallery.chosen}…`);
  const before = ears;
  if (!(await connect(was ?? "recording"))) return;
  arrivedState("resting");
  if (ears === before) return;
  if (was === "microphone") await ears?.listen(hearing()); // at another rate
  else hush();
}

async function listDevices() {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "audioinput");
  const chosen = setting("device");
  const options = devices.map(({ deviceId, label }) => new Option(label || "Microphone", deviceId));
  element("device").replaceChildren(new Option("The browser's choice", ""), ...options);
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
if (missing) complain(missing);
gallery.onchoice = (/** @type {string} */ name, /** @type {string} */ url) => {
  if (conversation.way === null) stage.rest(url, name);
  attempt(async () => {
    stage.mouth = (await (await access.ask(`v1/avatars/${encodeURIComponent(name)}`)).json()).mouth ?? null;
    await changed();
  });
};
said.onkept = () => (element("again").disabled = false);
conversation.onidle = () => {
  hush();
  show("off", "Paused: nobody spoke for a minute");
};
conversation.onsecond = (/** @type {unknown} */ reason) => (element("secure").textContent = `WebSocket instead of WebRTC: ${troubleOf(reason).message}`);

on("microphone", "click", () => attempt(listen));
on("voice", "click", () => attempt(async () => play(await voice())));
on("open", "click", async () => element("file").click());
on("file", "change", () => attempt(async () => play(await element("file").files[0].arrayBuffer())));
on("interrupt", "click", async () => interrupt());
on("disconnect", "click", () => attempt(disconnect));
on("test-mode", "click", () => attempt(testMode));
on("again", "click", () => attempt(again));
on("show-figures", "change", figures);
on("closer", "toggle", async () => (stage.close = element("closer").open));
on("trouble-close", "click", async () => (element("trouble").hidden = true));
on("headphones", "change", async () => conversation.way && (conversation.way.audible = isAudible(source)));
for (const name of ["gain", "way", "rate"]) on(name, "change", () => attempt(changed));
for (const name of ["device", "echo", "noise", "gate"]) {
  on(name, "change", () => attempt(async () => source === "microphone" && (await opened()).listen(hearing())));
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
dropping(element("stage"), (file) => attempt(async () => play(await file.arrayBuffer())));
setInterval(figures, FIGURES_MS);
attempt(loadAvatars);
