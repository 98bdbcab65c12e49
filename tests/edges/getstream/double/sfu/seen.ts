/** What an SFU notes of what clients say, for tests to look at. @module */

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
}

/** All of it. */
export interface Seen {
  /** What clients did wrong: must be empty. */
  faults: string[];
  joins: SeenJoin[];
  /** Twirp calls by method. */
  calls: Record<string, number>;
  healthChecks: number;
  /** The last ones. */
  subscriptions: { sessionId: string; trackType: number; width: number }[];
  /** The last ones. */
  tracks: { trackType: number; mid: string; codec?: string; muted: boolean }[];
}
