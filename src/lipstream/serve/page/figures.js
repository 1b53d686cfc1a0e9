/**
 * What a way measures of itself in, words for the overlay out.
 */

let lastDrawn = 0;
let lastMs = 0;
let rate = NaN;

/**
 * @param {import("./way.js").Way | null} way
 * @param {number} drawn pictures shown so far
 * @param {number} nowMs
 * @returns {Promise<Record<"way" | "trip" | "rate" | "queue" | "offset" | "painted" | "detail", string>>}
 */
export async function shown(way, drawn, nowMs) {
  if (nowMs - lastMs >= 1000) {
    rate = ((drawn - lastDrawn) * 1000) / (nowMs - lastMs);
    lastDrawn = drawn;
    lastMs = nowMs;
  }
  const told = await way?.figures();
  return {
    way: way?.name ?? "–",
    trip: inUnits(told?.roundTripMs, "ms"),
    rate: inUnits(way ? rate : NaN, "/s"),
    queue: inUnits(told?.queueMs, "ms"),
    offset: inUnits(told?.offsetMs, "ms"),
    painted: inUnits(told?.painted, ""),
    detail: told?.detail ?? "–",
  };
}

/**
 * @param {number | undefined} value
 * @param {string} unit
 */
function inUnits(value, unit) {
  return value === undefined || Number.isNaN(value) ? "–" : `${Math.round(value)} ${unit}`.trim();
}
