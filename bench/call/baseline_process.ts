/**
 * The baseline under every round trip and flush here: one process, wrtc, and nothing else. It writes
 * what the sink receives back into a source, without slots, wire, mixer or pacer, and a tone or silence
 * instead when it is asked to `say` or `flush`. No agent can be faster on this stack, so the distance to it
 * is what the rest costs.
 *
 * Serves one connection and ends with its input.
 *
 * @module
 */
import library from "@roamhq/wrtc";
import { receive, send } from "../lib/lines.ts";
import { clockOffset, wallClock } from "../lib/wall_clock.ts";
import { toneSamples } from "../probe/tone.ts";

// deno-lint-ignore no-explicit-any -- its types need the DOM's
const wrtc = library as any;

const RATE = 48_000;
const FRAME_SAMPLES = RATE / 100;
/** 10 ms of the tone: whole periods. */
const tone = {
  samples: toneSamples(FRAME_SAMPLES),
  sampleRate: RATE,
  bitsPerSample: 16,
  channelCount: 1,
  numberOfFrames: FRAME_SAMPLES,
};
let saysTone = false;
let offset = 0;

/** Packets of 10 ms both ways, as the media process asks for. */
function withPtime10(sdp: string): string {
  return sdp.replaceAll(/(a=rtpmap:\d+ opus\/48000\/2\r\n)/g, "$1a=ptime:10\r\n");
}

Deno.addSignalListener("SIGINT", () => {}); // Ctrl-C hits the group; the end of the input is the order

const connection = new wrtc.RTCPeerConnection();
const source = new wrtc.nonstandard.RTCAudioSource();
connection.addTransceiver(source.createTrack(), { direction: "sendrecv" });
connection.onicecandidate = ({ candidate }: { candidate: { toJSON(): unknown } | null }) => {
  if (candidate) send({ candidate: candidate.toJSON() });
};
connection.ontrack = ({ track }: { track: unknown }) => {
  const sink = new wrtc.nonstandard.RTCAudioSink(track);
  sink.ondata = (frame: unknown) => source.onData(saysTone ? tone : frame);
};

await connection.setLocalDescription(await connection.createOffer());
send({ offer: withPtime10(connection.localDescription!.sdp) });

const early: unknown[] = [];
for await (const message of receive()) {
  if (message.ask) {
    saysTone = message.ask === "say";
    const at = wallClock(offset);
    // It blocks the thread, and so the frames: not where a flush is measured.
    if (saysTone) offset = clockOffset();
    send({ [message.ask]: { at } });
  } else if (message.answer) {
    await connection.setRemoteDescription({ type: "answer", sdp: withPtime10(message.answer) });
    for (const candidate of early.splice(0)) await connection.addIceCandidate(candidate);
  } else if (message.candidate) {
    if (connection.remoteDescription) await connection.addIceCandidate(message.candidate);
    else early.push(message.candidate);
  }
}
Deno.exit(0); // at its natural end wrtc crashes
