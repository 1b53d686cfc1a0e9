/**
 * What went wrong in, a sentence that says it and one that says what to do out.
 */

/** Something that went wrong, in words. */
export class Trouble extends Error {
  /**
   * @param {string} what happened
   * @param {string} todo what to do; empty where `what` says it
   * @param {string} [request] the server's id of it
   */
  constructor(what, todo, request = "") {
    super(what);
    this.todo = todo;
    this.request = request;
  }
}

/** A server that is there and says no: by another way it would say the same. */
export class Refusal extends Trouble {}

/** @type {Record<string, [string, string]>} */
const MICROPHONE = {
  NotAllowedError: [
    "The browser does not let this page use the microphone.",
    "Allow it in the address bar (the icon beside the address), then press Microphone again.",
  ],
  NotFoundError: ["There is no microphone.", "Connect one, or play the test voice or a file."],
  NotReadableError: [
    "The microphone is used by another program.",
    "Close the program that uses it, then press Microphone again.",
  ],
  OverconstrainedError: ["The chosen microphone is gone.", "Choose another one under Options."],
};

const EITHER_WAY = new Set([401, 403, 404, 429, 503]); // no key, not allowed, no such avatar, too much asked, full

/** @type {Record<number, [string, string]>} */
const CLOSED = {
  1001: ["The server is shutting down.", "Try again in a moment."],
  1006: ["The connection to the server broke off.", "Check that the server runs and that the network is up, then try again."],
  4401: ["The server asks for a key.", "Enter one under Key."],
  4403: ["The server does not allow this.", "Use a key with scope infer, and open the page at the server's own address."],
  4404: ["The server does not know this avatar.", "Choose another one."],
  4408: ["This device took the pictures too slowly, so the server ended the session.", "Close what else is running, then try again."],
  4503: ["The server is full.", "Try again in a few seconds."],
};

/**
 * @param {unknown} error of getUserMedia
 * @returns {Trouble}
 */
export function ofMicrophone(error) {
  const name = error instanceof Error ? error.name : "";
  const [what, todo] = MICROPHONE[name] ?? ["The microphone cannot be used.", `The browser says: ${error}`];
  return new Trouble(what, todo);
}

/**
 * @param {number} code of a WebSocket that was closed
 * @returns {Trouble}
 */
export function ofClose(code) {
  const [what, todo] = CLOSED[code] ?? [`The server ended the session (${code}).`, "Try again; its log says why."];
  return new Trouble(what, todo);
}

/**
 * @param {Response} response that is not ok
 * @returns {Promise<Trouble>} the server's own words, if it said some
 */
export async function ofResponse(response) {
  const said = await response.json().catch(() => null);
  if (typeof said?.error === "string") {
    const Kind = EITHER_WAY.has(response.status) ? Refusal : Trouble;
    return new Kind(said.error, "", said.request_id);
  }
  return new Trouble(`The server answered ${response.status}.`, "Try again; its log says why.");
}

/**
 * @param {unknown} error whatever was thrown
 * @returns {Trouble}
 */
export function troubleOf(error) {
  if (error instanceof Trouble) return error;
  if (error instanceof TypeError && /fetch|network|load failed/i.test(error.message)) return ofClose(1006);
  return new Trouble("This page made a mistake.", `Reload it. For whoever mends it: ${error}`);
}

/**
 * What this browser lacks, as far as can be told without trying.
 *
 * @param {Record<string, any>} scope the global one
 * @returns {Trouble | null}
 */
export function lacking(scope) {
  if (!scope.isSecureContext) {
    return new Trouble(
      "This page came unencrypted, and so the browser keeps microphone and sound from it.",
      "Open it with https:// (start the server with --tls self-signed), or as http://localhost on the server itself.",
    );
  }
  const missing = ["AudioContext", "AudioWorkletNode", "WebSocket", "createImageBitmap"].filter((name) => !(name in scope));
  if (missing.length === 0) return null;
  return new Trouble(
    `This browser is too old: it has no ${missing.join(", no ")}.`,
    "Use Chrome, Edge or Firefox of the last two years, or Safari 16.4 or later.",
  );
}
