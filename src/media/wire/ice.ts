/** The ICE types that travel in JSON, on the wire and in an edge's signalling. @module */

/** An ICE candidate as it travels in JSON. */
export interface RtcCandidate {
  candidate: string;
  sdpMid?: string | null;
  sdpMLineIndex?: number | null;
  usernameFragment?: string | null;
}

/** A STUN or TURN server. */
export interface RtcIceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}
