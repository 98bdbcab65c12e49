/** 20 ms of one participant: what an edge receives and a processor gets. */
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { Participant } from "./types.ts";

/** 20 ms of one participant's audio. */
export interface ParticipantAudio {
  /** The participant who is heard. */
  readonly participant: Participant;
  /** The track that the samples came from; empty when the edge does not say. */
  readonly trackId: string;
  /** Mono, at the agent's rate: a view, valid until the processor returns or its promise settles. */
  readonly pcm: PcmChunk;
  /** The tick on the room's grid. Compare speakers by it, not by order of arrival. */
  readonly row: number;
  /**
   * How much of what the agent says had been played when this was heard, in milliseconds as its
   * track's `playedMs` counts; `undefined` when the edge does not say.
   */
  readonly playedMs?: number | undefined;
}
