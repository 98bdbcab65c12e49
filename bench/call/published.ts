/**
 * Figures that others measured, or that were measured earlier, to read beside the run's own. Each
 * group names its source.
 *
 * @module
 */

/** One figure that another project published. */
export interface PublishedFigure {
  what: string;
  who: string;
  value: string;
}

/** Where each group of figures comes from. */
export const SOURCES = {
  prototype: "Ringline's prototype of the media process: headless Chromium, loopback, 2 noisy " +
    "cores, 30-40 clicks a variant over 3-4 connections",
  peers: "the same echo page and the same Chromium on one 2-core machine, 2026-08-21: Vision " +
    "Agents e5d60179, LiveKit agents-js 8c88e3b3, Pipecat acead050 as installed",
} as const;

/** The peers' columns, and our own prototype's. */
export const PUBLISHED: readonly PublishedFigure[] = [
  { what: "round trip p50/p95 ms", who: "prototype, 10 ms slots, adaptive pacer", value: "88/105" },
  {
    what: "round trip p50/p95 ms",
    who: "prototype, 20 ms slots, adaptive pacer",
    value: "101/115",
  },
  { what: "round trip p50/p95 ms", who: "prototype, 20 ms slots and tick", value: "149/162" },
  { what: "round trip p50/p95 ms", who: "prototype, baseline, one process", value: "83/97" },
  { what: "round trip p50/p95 ms", who: "wrtc, one Deno process", value: "113/134" },
  { what: "round trip p50/p95 ms", who: "aiortc", value: "161/201" },
  { what: "round trip p50/p95 ms", who: "Pipecat SmallWebRTC", value: "309/348" },
  { what: "round trip p50/p95 ms", who: "Pipecat SmallWebRTC, tuned", value: "211/263" },
  { what: "round trip p50/p95 ms", who: "LiveKit and rtc-node", value: "119/119" },
  { what: "round trip p50/p95 ms", who: "Vision Agents on a Stream double", value: "268/308" },
  { what: "flush to silence p95 ms", who: "prototype, by pacer", value: "56-84" },
  { what: "hop p50/p95 ms, 100 people", who: "prototype, to child", value: "0.23/0.81" },
  { what: "hop p50/p95 ms, 100 people", who: "prototype, to parent", value: "0.47/0.86" },
  { what: "stall: concealed, quiet", who: "prototype, 400 ms ahead", value: "0, 0 ms" },
  { what: "stall: concealed, quiet", who: "prototype, 100 ms ahead", value: "0.37 %, 133 ms" },
  { what: "stall: concealed, quiet", who: "prototype, wrtc in process", value: "1.23 %, 83 ms" },
  { what: "stall: dropped, round trip", who: "wrtc, one Deno process", value: "0, 311 ms" },
  { what: "stall: dropped, round trip", who: "aiortc", value: "0, 348 ms" },
  { what: "stall: dropped, round trip", who: "Pipecat SmallWebRTC", value: "1 %, 377-459 ms" },
  { what: "stall: dropped", who: "LiveKit and rtc-node", value: "4 %" },
  { what: "start to ready ms", who: "wrtc, one Deno process", value: "50" },
  { what: "start to ready ms", who: "aiortc", value: "344" },
  { what: "start to ready ms", who: "Pipecat SmallWebRTC", value: "799" },
  { what: "start to ready ms", who: "LiveKit and rtc-node", value: "371" },
  { what: "start to ready ms", who: "Vision Agents on a Stream double", value: "3024" },
  { what: "% of a core a person, 4 calls", who: "wrtc, one Deno process", value: "4.5" },
  { what: "% of a core a person, 4 calls", who: "aiortc", value: "6.2" },
  { what: "% of a core a person, 4 calls", who: "Pipecat SmallWebRTC", value: "9.2" },
  { what: "% of a core a person, 4 calls", who: "LiveKit and rtc-node", value: "10.5" },
  { what: "% of a core a person, 1 call", who: "Vision Agents on a Stream double", value: "13.7" },
];
