/** What a room knows of those who are in it. @module */
import type { AudioSource } from "./audio_source.ts";
import type { RoomAgentOptions, RoomAgentPort } from "./audio_room.ts";
import type { ClockMember } from "./room_clock.ts";
import type { SlotFeed } from "./slot_feed.ts";
import type { ActiveSpeaker } from "./active_speaker.ts";

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
  readonly port: RoomAgentPort;
  readonly options: RoomAgentOptions;
  feeds: SlotFeed[];
  frame: Int16Array | undefined;
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
