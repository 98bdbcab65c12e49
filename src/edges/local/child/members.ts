/**
 * The members of a room, in the forms that agents and pages receive.
 *
 * @module
 */
import type { PublishedKinds } from "../../../media/child/contract.ts";
import type { ParticipantData, TrackData } from "../../../media/wire/messages.ts";
import { TrackType } from "../../../edge/types.ts";
import type { BrowserParticipant } from "./browser_participant.ts";
import type { TrackKind } from "./participant_connection.ts";
import type { RoomConnection } from "./room_media.ts";
import type { PageParticipant } from "../wire/signalling.ts";

const TRACK_TYPES: Record<TrackKind, TrackType> = {
  audio: TrackType.AUDIO,
  camera: TrackType.VIDEO,
  screen: TrackType.SCREEN_SHARE,
  screenAudio: TrackType.SCREEN_SHARE_AUDIO,
};

/** An agent in a room. */
export interface RoomAgentEntry {
  id: string;
  connection: RoomConnection;
  tracks: PublishedKinds;
  spokeAt: number;
  sentDelayMs: number;
}

/** A participant in a browser, for agents. */
export function participantData(participant: BrowserParticipant): ParticipantData {
  return { id: participant.id, userId: participant.userId, name: participant.name, kind: "person" };
}

/** An agent, for other agents. */
export function agentData(agent: RoomAgentEntry): ParticipantData {
  const { id, name } = agent.connection.user;
  return { id: agent.id, userId: id, name, kind: "agent" };
}

/** An agent, for pages. */
export function agentParticipant(agent: RoomAgentEntry): PageParticipant {
  return {
    id: agent.id,
    name: agent.connection.user.name,
    kind: "agent",
    audible: agent.tracks.audio,
    camera: agent.tracks.video,
    screen: false,
    reconnecting: false,
  };
}

/** Returns the tracks that an agent publishes, for other agents. */
export function agentTracks(agent: RoomAgentEntry): TrackData[] {
  const tracks: TrackData[] = [];
  const common = { participantId: agent.id, muted: false };
  if (agent.tracks.audio) {
    tracks.push({ id: `${agent.id}:audio`, type: TrackType.AUDIO, ...common });
  }
  if (agent.tracks.video) {
    tracks.push({ id: `${agent.id}:video`, type: TrackType.VIDEO, ...common });
  }
  return tracks;
}

/** Returns the tracks that a participant sends, for agents. */
export function participantTracks(participant: BrowserParticipant): TrackData[] {
  return (Object.keys(TRACK_TYPES) as TrackKind[])
    .filter((kind) => participant.sends(kind))
    .map((kind) => ({
      id: trackId(participant, kind),
      type: TRACK_TYPES[kind],
      participantId: participant.id,
      muted: kind === "audio" && participant.muted,
    }));
}

/** The id of one of a participant's tracks. */
export function trackId(participant: BrowserParticipant, kind: TrackKind): string {
  return `${participant.id}:${kind}`;
}
