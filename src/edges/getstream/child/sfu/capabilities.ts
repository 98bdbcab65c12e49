import { rtc } from "../../../../media/webrtc/rtc.ts";
import type { Capabilities } from "./media.ts";

let known: Promise<Capabilities> | undefined;

/** What this WebRTC can send and receive: asked once, since it does not change. */
export function rtcCapabilities(): Promise<Capabilities> {
  return known ??= Promise.all([describe("sendonly"), describe("recvonly")])
    .then(([publisher, subscriber]) => ({ publisher, subscriber }));
}

async function describe(direction: "sendonly" | "recvonly"): Promise<string> {
  const connection = new rtc.RTCPeerConnection();
  try {
    connection.addTransceiver("audio", { direction });
    connection.addTransceiver("video", { direction });
    // Never made its local description: so it opens no port and gathers nothing.
    return (await connection.createOffer()).sdp;
  } finally {
    connection.close();
  }
}
