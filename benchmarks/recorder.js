/**
 * Put into a page before it begins: when something is seen, heard or said there, by performance.now(), into `recorded`.
 *
 * Seen: how bright the mouth is, of every picture of the canvas or video. Heard and said: clicks, the first of half a
 * second, when they are at the ear as far as the browser knows, and when they come from the microphone. Loud: when the
 * last sound above -40 dBFS was at the ear.
 */
const recorded = (window.recorded = { seen: [], heard: [], said: [], loud: 0, mouth: null });

const eye = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });

/** @returns {number} 0 to 255 */
function brightness(picture, width, height) {
  const { left, top, right, bottom } = recorded.mouth; // shares of the picture
  eye.drawImage(picture, left * width, top * height, (right - left) * width, (bottom - top) * height, 0, 0, 8, 8);
  const pixels = eye.getImageData(0, 0, 8, 8).data;
  return pixels.reduce((sum, value, at) => sum + (at % 4 === 3 ? 0 : value), 0) / (3 * 64);
}

function watchCanvas(now) {
  const canvas = document.querySelector("#canvas");
  // Of the last refresh: pages draw after this, so what is found now was on the screen from now on.
  if (recorded.mouth && canvas && !canvas.hidden) recorded.seen.push([now, brightness(canvas, canvas.width, canvas.height)]);
  requestAnimationFrame(watchCanvas);
}

function watchVideo(_, { expectedDisplayTime }) {
  const video = document.querySelector("#video");
  if (recorded.mouth) recorded.seen.push([expectedDisplayTime, brightness(video, video.videoWidth, video.videoHeight)]);
  video.requestVideoFrameCallback(watchVideo);
}

const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
  #last = -sampleRate;
  process([[block]]) {
    if (!block) return true;
    let loud = -1;
    block.forEach((sample, at) => {
      const frame = currentFrame + at;
      if (Math.abs(sample) > 0.01) loud = frame;
      if (Math.abs(sample) < 0.5 || frame - this.#last < sampleRate / 2) return;
      this.#last = frame;
      this.port.postMessage({ click: frame / sampleRate });
    });
    if (loud >= 0) this.port.postMessage({ loud: loud / sampleRate });
    return true;
  }
});`;

async function tap(node, heard) {
  const { context } = node;
  await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(TAP)}`);
  const ear = new AudioWorkletNode(context, "tap");
  connect.call(node, ear);
  connect.call(ear, new MediaStreamAudioDestinationNode(context)); // so that it is computed
  ear.port.onmessage = ({ data }) => {
    if (!heard) {
      if (data.click) recorded.said.push(performance.now() - (context.currentTime - data.click) * 1000);
      return;
    }
    const { contextTime, performanceTime } = context.getOutputTimestamp();
    const atEar = (time) => performanceTime + (time - contextTime) * 1000;
    if (data.click) recorded.heard.push(atEar(data.click));
    const muted = node instanceof MediaStreamAudioSourceNode && document.querySelector("#video").muted;
    if (data.loud && !muted) recorded.loud = atEar(data.loud);
  };
}

// The page's contexts of 16 kHz are those in which the answer is heard, the others those of the microphone.
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  const stream = this instanceof MediaStreamAudioSourceNode;
  if (this.context.sampleRate !== 16000) {
    if (stream) tap(this, false);
  } else if (stream || target instanceof AudioDestinationNode) {
    tap(this, true);
  }
  return connect.call(this, target, ...rest);
};

document.addEventListener("DOMContentLoaded", () => {
  requestAnimationFrame(watchCanvas);
  document.querySelector("#video").requestVideoFrameCallback(watchVideo);
});
