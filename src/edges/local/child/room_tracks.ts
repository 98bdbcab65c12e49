/**
 * The participants' media on its way to the mixer, to the agents that subscribe to it and to the other
 * participants.
 *
 * @module
 */
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import { type RoomAgentEntry, trackId } from "./members.ts";
import type { BrowserParticipant } from "./browser_participant.ts";
import type { RoomAudio } from "./room_media.ts";
import type { VideoSource } from "./video_slots.ts";

const AUDIO_KINDS = ["audio", "screenAudio"] as const;

/** The members of the room, and the mixer. */
export interface RoomTracksInit {
  audio: Pick<RoomAudio, "addSource" | "removeSource" | "setMuted">;
  participants: ReadonlyMap<string, BrowserParticipant>;
  agents: ReadonlyMap<number, RoomAgentEntry>;
}

/** The tracks that the room reads, by track id. */
export class RoomTracks {
  readonly #init: RoomTracksInit;
  readonly #sources = new Map<string, RtcTrack>();

  constructor(init: RoomTracksInit) {
    this.#init = init;
  }

  /** Connects what a participant sends now to the mixer and to the subscribers. */
  sync(participant: BrowserParticipant): void {
    for (const kind of AUDIO_KINDS) this.#syncAudio(participant, kind);
    for (const kind of ["camera", "screen"] as const) {
      const id = trackId(participant, kind);
      const video = participant.track(kind);
      if (video === this.#sources.get(id)) continue;
      if (video) this.#sources.set(id, video);
      else this.#sources.delete(id);
      this.#route(id, video);
    }
  }

  /** Releases all that a participant sent. */
  release(participant: BrowserParticipant): void {
    for (const kind of AUDIO_KINDS) {
      const id = trackId(participant, kind);
      if (this.#sources.delete(id)) this.#init.audio.removeSource(id);
    }
    for (const kind of ["camera", "screen"] as const) {
      const id = trackId(participant, kind);
      if (this.#sources.delete(id)) this.#route(id, undefined);
    }
  }

  /** The media of a video track that an agent subscribes to. */
  video(id: string): RtcTrack | undefined {
    const [memberId = "", kind = ""] = id.split(":");
    if (kind === "video") {
      for (const agent of this.#init.agents.values()) {
        if (agent.id === memberId && agent.tracks.video) return agent.connection.videoTrack;
      }
    }
    if (kind !== "camera" && kind !== "screen") return undefined;
    return this.#init.participants.get(memberId)?.track(kind);
  }

  /** Chooses for each participant whose video they receive. */
  chooseVideos(): void {
    const { participants } = this.#init;
    const sources = this.#videos();
    for (const participant of participants.values()) {
      participant.chooseVideos(
        sources.filter(({ participantId }) => participantId !== participant.id),
      );
    }
  }

  #syncAudio(participant: BrowserParticipant, kind: typeof AUDIO_KINDS[number]): void {
    const { audio } = this.#init;
    const id = trackId(participant, kind);
    const track = participant.track(kind);
    const isScreen = kind === "screenAudio";
    const muted = !isScreen && participant.muted;
    if (track === this.#sources.get(id)) {
      if (track) audio.setMuted(id, muted);
      return;
    }
    if (this.#sources.delete(id)) audio.removeSource(id);
    if (!track) return;
    this.#sources.set(id, track);
    audio.addSource({
      memberId: participant.id,
      trackId: id,
      participantId: participant.id,
      track,
      muted,
      isScreen,
    });
  }

  #route(id: string, video: RtcTrack | undefined): void {
    for (const { connection } of this.#init.agents.values()) {
      if (connection.isSubscribed(id)) connection.setVideoSource(id, video);
    }
  }

  #videos(): VideoSource[] {
    const sources: VideoSource[] = [];
    for (const { id: participantId, tracks, spokeAt, connection } of this.#init.agents.values()) {
      if (!tracks.video) continue;
      sources.push({
        participantId,
        kind: "camera",
        track: connection.videoTrack,
        agent: true,
        spokeAt,
      });
    }
    for (const participant of this.#init.participants.values()) {
      if (!participant.present) continue;
      const { id: participantId, spokeAt } = participant;
      for (const kind of ["screen", "camera"] as const) {
        const track = participant.track(kind);
        if (track) sources.push({ participantId, kind, track, agent: false, spokeAt });
      }
    }
    return sources;
  }
}
