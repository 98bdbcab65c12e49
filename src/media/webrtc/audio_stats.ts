/** Reads how audio arrives from wrtc's statistics. @module */
import type { AudioStats } from "../../edge/types.ts";

/** A report of wrtc's statistics, in WebRTC's words. */
type Report = Record<string, unknown>;

/** Returns the figures of each audio track that a connection receives, by the track's id. */
export function readAudioStats(
  reports: Iterable<Record<string, unknown>>,
): Map<string, AudioStats> {
  const all = [...reports];
  const roundTripMs = roundTripOf(all);
  const stats = new Map<string, AudioStats>();
  for (const report of all) {
    const { type, kind, trackIdentifier } = report;
    if (type !== "inbound-rtp" || kind !== "audio" || typeof trackIdentifier !== "string") continue;
    const audioMs = 1000 * numberIn(report, "totalSamplesDuration");
    const samples = numberIn(report, "totalSamplesReceived");
    // What is made up for a pause is silent, and is not heard as a fault.
    const concealed = numberIn(report, "concealedSamples") -
      numberIn(report, "silentConcealedSamples");
    stats.set(trackIdentifier, {
      packetsReceived: numberIn(report, "packetsReceived"),
      // Negative where packets came twice.
      packetsLost: Math.max(0, numberIn(report, "packetsLost")),
      audioMs,
      concealedMs: samples > 0 ? audioMs * concealed / samples : 0,
      jitterMs: 1000 * numberIn(report, "jitter"),
      roundTripMs,
    });
  }
  return stats;
}

/** Returns the round trip of the connection's path. */
function roundTripOf(reports: readonly Report[]): number | undefined {
  const transport = reports.find(({ type }) => type === "transport");
  const path = reports.find(({ type, id }) =>
    type === "candidate-pair" && id === transport?.selectedCandidatePairId
  );
  const seconds = path?.currentRoundTripTime;
  return typeof seconds === "number" ? 1000 * seconds : undefined;
}

function numberIn(report: Report, name: string): number {
  const value = report[name];
  return typeof value === "number" ? value : 0;
}
