/** Metrics of how each participant's audio arrives. @module */
import { type Attributes, metrics } from "npm:@opentelemetry/api@1.10.0";
import { AudioStatsEvent, ParticipantLeftEvent } from "../../edge/events.ts";
import type { EventManager } from "../../events/event_manager.ts";
import { seconds } from "./conventions.ts";
import { Growth } from "./growth.ts";

/** Bounds of the buckets of delays in a network, in seconds. */
const NETWORK_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5];

/** The figures that only grow. */
type Counted = "packetsReceived" | "packetsLost" | "audioMs" | "concealedMs";

/** Records them until the result is disposed. */
export function recordAudioStats(
  edge: { readonly events: EventManager },
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

  /** What each participant's figures have grown to. */
  const growths = new Map<string, Partial<Record<Counted, Growth>>>();
  return edge.events.subscribe([AudioStatsEvent, ParticipantLeftEvent], (event) => {
    const { id, userId } = event.participant;
    if (event instanceof ParticipantLeftEvent) return void growths.delete(id);
    const { stats } = event;
    const named = { ...attributes, "user.id": userId };
    const grown = growths.get(id) ?? {};
    growths.set(id, grown);
    const growth = (name: Counted) => (grown[name] ??= new Growth()).to(stats[name]);
    received.add(growth("packetsReceived"), named);
    lost.add(growth("packetsLost"), named);
    audio.add(seconds(growth("audioMs")), named);
    concealed.add(seconds(growth("concealedMs")), named);
    jitter.record(seconds(stats.jitterMs), named);
    if (stats.roundTripMs !== undefined) roundTrip.record(seconds(stats.roundTripMs), named);
  });
}
