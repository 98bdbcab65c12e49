/**
 * What an edge needs to know of the agent that joins. Edges never import `Agent`: they take this.
 *
 * @module
 */
import type { ParticipantAudio } from "./participant_audio.ts";
import type { User } from "./types.ts";

/** How an agent wants to hear the call. */
export interface AudioSubscription {
  /** Samples a second of the mono PCM that the agent receives. */
  readonly sampleRate: 16_000 | 24_000 | 48_000;
  /** Whether it hears other agents too. People only, unless it asks. */
  readonly agents: boolean;
}

/**
 * The audio of all participants during one 20 ms tick of the room's clock. Compare speakers by row:
 * after a stall the order of arrival means nothing. A gap in the numbers is time that was dropped.
 */
export interface AudioRow {
  /** The first `count` entries belong to this row; the array is reused from row to row. */
  count: number;
  /** One entry a participant and track, in no particular order, all with the same `row`. */
  entries: ParticipantAudio[];
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
