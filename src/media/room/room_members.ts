/** What a room knows of those who are in it. @module */
import type { AudioSource } from "./audio_source.ts";
import type { Playout } from "./playout.ts";
import type { ClockMember } from "./room_clock.ts";
import type { RowQueue } from "./row_queue.ts";
import type { SlotFeed } from "./slot_feed.ts";
import type { ActiveSpeaker } from "./active_speaker.ts";

/** Options of {@linkcode AudioRoom.addListener}. */
export interface RoomListenerOptions {
  /** Whom he hears of the others; everybody unless given. */
  hears?: (memberId: string) => boolean;
}

/** Options of {@linkcode AudioRoom.addAgent}. */
export interface RoomAgentOptions extends RoomListenerOptions {
  memberId: string;
  /** What the agent says, as other agents know it. */
  trackId: string;
  participantId: string;
}

/** One level, for meters and for who speaks. */
export interface MemberLevel {
  memberId: string;
  trackId: string;
  /** The loudest sample since the levels were asked for last, 0 to 1. */
  level: number;
  /** Whether he speaks now, or did a moment ago. */
  speaking: boolean;
}

/** What a room needs of an agent's port. */
export interface RoomAgent {
  readonly playout: Playout;
  readonly rowQueue: RowQueue;
  readonly audioSubscription: { readonly agents: boolean };
  /** Called once a tick, after the playout was read. */
  onTick?(tick: number): void;
}

/** A person's track. */
export interface TrackInput {
  readonly input: AudioSource;
  readonly member: ClockMember;
  readonly participantId: string;
  readonly speaker: ActiveSpeaker;
  feeds: SlotFeed[];
  frame: Int16Array | undefined;
}

/** An agent, and the frame of the tick that is being mixed. */
export interface AgentMember {
  readonly port: RoomAgent;
  readonly options: RoomAgentOptions;
  feeds: SlotFeed[];
  frame: Int16Array | undefined;
  isAudible: boolean;
  quietTicks: number;
  peak: number;
}

/** Where a mix goes. */
export interface MixOutput {
  readonly hears: (memberId: string) => boolean;
  readonly send: (frame: Int16Array) => void;
}

/** A contribution of the tick that is being mixed. */
export interface Contribution {
  memberId: string;
  bit: number;
}
