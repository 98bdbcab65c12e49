/**
 * The agent as an edge sees it. Edges never import `Agent`: they take an `EdgeAgent`.
 *
 * @module
 */
import type { ParticipantAudio } from "./participant_audio.ts";
import type { User } from "./types.ts";

/** The audio that an agent subscribes to. */
export interface AudioSubscription {
  /** Samples per second of the mono PCM that the agent receives. */
  readonly sampleRate: 16_000 | 24_000 | 48_000;
  /** Whether it receives other agents too. People only, unless it asks. */
  readonly agents: boolean;
}

/**
 * The audio of all participants during one slot, 20 ms, of the room. Compare speakers by row:
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
  /** The user that the agent is in the call. */
  readonly user: User;
  /** The audio that the agent subscribes to. */
  readonly audioSubscription: AudioSubscription;
  /**
   * Receives one row. The connection calls it directly and not through the event manager, so that
   * nothing is allocated per chunk. Copy the samples that are kept; an error thrown is reported.
   */
  receiveRow(row: AudioRow): void;
}
