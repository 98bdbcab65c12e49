/** The ICE types that travel in JSON, on the wire and in an edge's signalling. @module */

/** An ICE candidate as it travels in JSON. */
export interface RtcCandidate {
  /** The line itself, e.g. `"candidate:1 1 udp ..."`. */
  candidate: string;
  /** The name of the section that it belongs to. */
  sdpMid?: string | null;
  /** The number of the section that it belongs to. */
  sdpMLineIndex?: number | null;
  /** The generation of ICE that it belongs to. */
  usernameFragment?: string | null;
}

/** A STUN or TURN server. */
export interface RtcIceServer {
  /** Its addresses, e.g. `"turn:turn.example.org:3478"`. */
  urls: string | string[];
  /** The user name, for a TURN server. */
  username?: string;
  /** The password that belongs to `username`. */
  credential?: string;
}
