/** One participant's audio, from the connection to the processors. @module */
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { Participant } from "./types.ts";

/** One participant's audio: what a connection hands to its agent, and an agent to its processors. */
export interface ParticipantAudio {
  /** The participant who is heard. */
  readonly participant: Participant;
  /** The track that the samples came from; empty when the edge does not say. */
  readonly trackId: string;
  /**
   * For a processor 20 ms, mono, at the agent's rate. A view: valid until the function that received
   * it returns, or until the promise that it returned settles.
   */
  readonly pcm: PcmChunk;
  /**
   * The row's number; -1 from an edge that does not number its audio, and then the agent
   * numbers it by its clock. Compare speakers by it, not by order of arrival.
   */
  readonly row: number;
  /**
   * The `playedMs` of the agent's track when this audio was received, in milliseconds. Left out by an
   * edge whose audio arrives without delay: the track's `playedMs` on arrival is used then.
   */
  readonly playedMs?: number | undefined;
}

/** A {@linkcode ParticipantAudio} whose owner reuses it for each chunk. */
export type MutableParticipantAudio = {
  -readonly [K in keyof ParticipantAudio]: ParticipantAudio[K];
};
