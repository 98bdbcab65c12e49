/**
 * The baseline under every round trip here: one process, wrtc, and nothing else. It writes
 * what the sink receives back into a source, without slots, wire, mixer or pacer. No agent can be faster on
 * this stack, so the distance to it is what the rest costs.
 *
 * Serves one connection and ends with its input.
 *
 * @module
 */
import library from "@roamhq/wrtc";
import { receive, send } from "../lib/lines.ts";

// deno-lint-ignore no-explicit-any -- its types need the DOM's
const wrtc = library as any;

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
  sink.ondata = (frame: unknown) => source.onData(frame);
};

await connection.setLocalDescription(await connection.createOffer());
send({ offer: withPtime10(connection.localDescription!.sdp) });

const early: unknown[] = [];
for await (const message of receive()) {
  if (message.answer) {
    await connection.setRemoteDescription({ type: "answer", sdp: withPtime10(message.answer) });
    for (const candidate of early.splice(0)) await connection.addIceCandidate(candidate);
  } else if (message.candidate) {
    if (connection.remoteDescription) await connection.addIceCandidate(message.candidate);
    else early.push(message.candidate);
  }
}
Deno.exit(0); // at its natural end wrtc crashes
