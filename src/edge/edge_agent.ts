/**
 * What an edge needs to know of the agent that joins. Edges never import `Agent`: they take this.
 *
 * @module
 */
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { Participant, User } from "./types.ts";

/** How an agent wants to hear the call. */
export interface AudioSubscription {
  /** Samples a second of the mono PCM that the agent receives. */
  readonly sampleRate: 16_000 | 24_000 | 48_000;
  /** Whether it hears other agents too. People only, unless it asks. */
  readonly agents: boolean;
}

/** One participant's 20 ms within an {@linkcode AudioRow}. */
export interface AudioRowEntry {
  /** Whose it is. */
  participant: Participant;
  /** The track that the samples came from. */
  trackId: string;
  /** A view that is valid until `receiveRow` returns. */
  pcm: PcmChunk;
}

/**
 * What was heard of everybody during one 20 ms tick of the room's clock. Compare speakers by row:
 * after a stall the order of arrival means nothing.
 */
export interface AudioRow {
  /** Number of the tick on the room's grid; a gap in the numbers is time that was dropped. */
  number: number;
  /** The first `count` entries belong to this row; the array is reused from row to row. */
  count: number;
  /** What was heard of each, in no particular order. */
  entries: AudioRowEntry[];
  /**
   * How much of what the agent says had been played when this was heard, in milliseconds as its
   * track's `playedMs` counts. Left out by an edge whose rows come without delay: what the track
   * says on their arrival is taken then.
   */
  playedMs?: number | undefined;
}

/** The agent as an edge sees it. */
export interface EdgeAgent {
  /** Who joins. */
  readonly user: User;
  /** What it wants to hear. */
  readonly hearing: AudioSubscription;
  /**
   * Takes one row. Called directly, not through the event manager, so that nothing is allocated
   * per chunk. Must copy what it keeps; what it throws is reported.
   */
  receiveRow(row: AudioRow): void;
}
