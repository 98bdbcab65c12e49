/** The SFU's record of its clients' messages. @module */

/** A join. */
export interface SeenJoin {
  edge: string;
  sessionId: string;
  strategy: number;
  fast: boolean;
  previousSessionId: string;
  fromSfuId: string;
  announced: number;
  attempt: number;
  /** The codecs of video that the client would publish. */
  preferred: string[];
}

/** The whole record. */
export interface Seen {
  /** The clients' faults: must be empty. */
  faults: string[];
  joins: SeenJoin[];
  /** Twirp calls by method. */
  calls: Record<string, number>;
  healthChecks: number;
  /** The last ones. */
  subscriptions: { sessionId: string; trackType: number; width: number }[];
  /** The last ones. */
  tracks: {
    trackType: number;
    mid: string;
    codec?: string;
    muted: boolean;
    /** Width, height, bits and pictures a second. */
    layers: number[][];
  }[];
}
