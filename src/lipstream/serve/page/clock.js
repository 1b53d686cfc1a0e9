/**
 * What an AudioContext tells about itself in, which moment of its sound is heard now out.
 */

/**
 * @param {{contextTime?: number, performanceTime?: number} | null} stamp of getOutputTimestamp, null where it is missing
 * @param {number} currentTimeS of the context: what is computed next
 * @param {number} latencyS from there to the ear, as far as the context knows
 * @param {number} nowMs by the clock of performance.now()
 * @returns {number} seconds of the context's time
 */
export function heardTime(stamp, currentTimeS, latencyS, nowMs) {
  if (stamp?.contextTime && stamp.performanceTime) {
    return Math.min(currentTimeS, stamp.contextTime + (nowMs - stamp.performanceTime) / 1000);
  }
  return Math.max(0, currentTimeS - latencyS); // Safari has no output timestamp of use; a context that just began none yet
}

/**
 * @param {AudioContext} context
 * @param {number} nowMs by the clock of performance.now()
 * @returns {number} seconds of the context's time that are heard now
 */
export function heardOf(context, nowMs) {
  const latencyS = context.outputLatency || context.baseLatency || 0;
  return heardTime(context.getOutputTimestamp?.() ?? null, context.currentTime, latencyS, nowMs);
}
