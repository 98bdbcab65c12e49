/**
 * A peer connection to a browser, which may send anything.
 *
 * @module
 */
import { Peer } from "../../../media/webrtc/peer.ts";
import type { RtcCandidate } from "../../../media/webrtc/rtc_types.ts";
import { rebuiltAnswer, rebuiltCandidate } from "./answer.ts";

/** A peer that answers our offers. Only what was understood of its answers is passed on. */
export class BrowserPeer extends Peer {
  override async acceptAnswer(sdp: string): Promise<void> {
    const offer = this.connection.localDescription?.sdp ?? "";
    await super.acceptAnswer(rebuiltAnswer(offer, sdp));
  }

  override async addCandidate(candidate: RtcCandidate): Promise<void> {
    const rebuilt = rebuiltCandidate(candidate.candidate);
    if (rebuilt === undefined) return;
    // All sections are one transport, which the first one stands for.
    const sdpMid = this.connection.getTransceivers()[0]?.mid ?? null;
    await super.addCandidate({ candidate: rebuilt, sdpMid, sdpMLineIndex: 0 });
  }
}
