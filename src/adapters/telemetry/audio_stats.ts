/** Metrics of how each participant's audio arrives. @module */
import { type Attributes, metrics } from "npm:@opentelemetry/api@1.10.0";
import { AudioStatsEvent, ParticipantLeftEvent } from "../../edge/events.ts";
import type { AudioStats } from "../../edge/types.ts";
import { seconds } from "./conventions.ts";
import { subscribeToOwn } from "./own_events.ts";
import type { TelemetrySource } from "./recording.ts";

/** Bounds of the buckets of delays in a network, in seconds. */
const NETWORK_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5];

/** The figures that are added up. */
const COUNTED = ["packetsReceived", "packetsLost", "audioMs", "concealedMs"] as const;
type Counts = Record<(typeof COUNTED)[number], number>;

const NONE: Readonly<Counts> = { packetsReceived: 0, packetsLost: 0, audioMs: 0, concealedMs: 0 };

/** Records them until the result is disposed. */
export function recordAudioStats(
  source: TelemetrySource,
  attributes: Attributes,
): Disposable {
  const meter = metrics.getMeter("@ringline/edge");
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(name, { unit, description });
  const histogram = (name: string, description: string) =>
    meter.createHistogram(name, {
      description,
      unit: "s",
      advice: { explicitBucketBoundaries: NETWORK_SECONDS },
    });
  const received = counter("ringline.rtc.packets.received", "{packet}", "Packets of audio");
  const lost = counter("ringline.rtc.packets.lost", "{packet}", "Packets that did not arrive");
  const audio = counter("ringline.rtc.audio", "s", "Audio that was received");
  const concealed = counter("ringline.rtc.concealed", "s", "Audio made up for what was lost");
  const jitter = histogram("ringline.rtc.jitter", "How much the delay of packets varies");
  const roundTrip = histogram("ringline.rtc.round_trip", "There and back");

  /** How the figures of each participant grow, by the connection that receives them. */
  const growths = new WeakMap<object, Map<string, AudioGrowth>>();
  return subscribeToOwn(source, [AudioStatsEvent, ParticipantLeftEvent], (event) => {
    const { connection, participant: { id, userId } } = event;
    const here = growths.get(connection) ?? new Map<string, AudioGrowth>();
    growths.set(connection, here);
    if (event instanceof ParticipantLeftEvent) return void here.delete(id);
    const { stats } = event;
    const named = { ...attributes, "user.id": userId };
    const growth = here.get(id) ?? new AudioGrowth();
    here.set(id, growth);
    const grown = growth.to(stats);
    received.add(grown.packetsReceived, named);
    lost.add(grown.packetsLost, named);
    audio.add(seconds(grown.audioMs), named);
    concealed.add(seconds(grown.concealedMs), named);
    jitter.record(seconds(stats.jitterMs), named);
    if (stats.roundTripMs !== undefined) roundTrip.record(seconds(stats.roundTripMs), named);
  });
}

/** How the figures of one participant grow. */
class AudioGrowth {
  #most = { ...NONE };

  /** Returns by how much they have grown beyond what they were at most. */
  to(stats: AudioStats): Counts {
    // Packets that arrived never become fewer. Those that were lost do, when one was only late, and so
    // does what was made up for them.
    if (stats.packetsReceived < this.#most.packetsReceived) this.#most = { ...NONE };
    const grown = { ...NONE };
    for (const name of COUNTED) {
      grown[name] = Math.max(0, stats[name] - this.#most[name]);
      this.#most[name] += grown[name];
    }
    return grown;
  }
}
