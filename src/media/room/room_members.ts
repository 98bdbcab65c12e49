/** The members of a room, and the options they join with. @module */
import type { AudioSource } from "./audio_source.ts";
import type { DirectedPlayouts } from "./directed_playouts.ts";
import type { Playout } from "./playout.ts";
import type { ClockMember } from "./room_clock.ts";
import type { RowQueue } from "./row_queue.ts";
import type { SlotFeed } from "./slot_feed.ts";
import type { ActiveSpeaker } from "./active_speaker.ts";

/** Options of {@linkcode AudioRoom.addListener}. */
export interface RoomListenerOptions {
  /** Which other members the listener hears. Default all. */
  hears?: (memberId: string) => boolean;
}

/** Options of {@linkcode AudioRoom.addAgent}. */
export interface RoomAgentOptions extends RoomListenerOptions {
  /** The agent, unique among the room's members. */
  memberId: string;
  /** The agent's own audio track in other agents' rows. */
  trackId: string;
  /** The agent's id as a participant, in other agents' rows. */
  participantId: string;
}

/** One member's level, for meters and for active speakers. */
export interface MemberLevel {
  /** The member that was measured. */
  memberId: string;
  /** The track that was measured. */
  trackId: string;
  /** The loudest sample since the last call of `levels`, 0 to 1. */
  level: number;
  /** Whether they speak now, or did a moment ago. */
  speaking: boolean;
  /** Whether it is the sound of a shared screen. */
  isScreen: boolean;
}

/** An agent's connection, as a room sees it. */
export interface RoomAgent {
  /** @internal The agent's audio. */
  readonly playout: Playout;
  /** @internal The agent's audio for one participant each. */
  readonly directed?: DirectedPlayouts;
  /** @internal The agent's input. */
  readonly rowQueue: RowQueue;
  /** Whether it hears other agents too. */
  readonly audioSubscription: { readonly agents: boolean };
  /** Called once a tick, after the playout was read. */
  onTick?(tick: number): void;
}

/** A participant's track. */
export interface TrackInput {
  readonly input: AudioSource;
  readonly member: ClockMember;
  readonly participantId: string;
  readonly isScreen: boolean;
  readonly speaker: ActiveSpeaker;
  feeds: SlotFeed[];
  frame: Int16Array | undefined;
}

/** An agent in the room. */
export interface AgentMember {
  readonly connection: RoomAgent;
  readonly options: RoomAgentOptions;
  feeds: SlotFeed[];
  quietTicks: number;
  peak: number;
}

/** One listener: takes the mix of the members they hear. */
export interface MixOutput {
  readonly hears: (memberId: string) => boolean;
  /** How loud they hear the other people, at the end of the previous tick. */
  othersGain: number;
  readonly send: (frame: Int16Array) => void;
}
